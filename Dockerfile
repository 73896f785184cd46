# VGG Demo in a container.
#
#   docker build --tag vgg-demo .                             (--build-arg PORT=8080, USER_ID=1234, TORCH_INDEX=…)
#   docker run --publish 8501:8501 --volume vgg-demo:/data vgg-demo
#
# Not yet built as an image: no container engine was at hand. tests/test_dockerfile.py runs each step in a plain folder,
# but for the downloads of pip.
FROM python:3.13-slim

# PyTorch's own index for CPUs: 200 MB instead of 5 GB. For an NVIDIA GPU: https://download.pytorch.org/whl/cu130
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG PORT=8501
ARG USER_ID=1000

WORKDIR /app
COPY requirements.txt ./
RUN grep -E '^(torch|torchvision)==' requirements.txt > torch.txt \
    && pip install --no-cache-dir --index-url ${TORCH_INDEX} -r torch.txt \
    && pip install --no-cache-dir -r requirements.txt

COPY .streamlit ./.streamlit
COPY streamlit_app.py ./
COPY vgg_demo ./vgg_demo

# runs, and MNIST as it is unpacked, outlive the container; the user has no rights beyond them
RUN useradd --uid ${USER_ID} --create-home vgg && mkdir -p /data && chown ${USER_ID} /data
ENV VGG_DEMO_HOME=/data/runs VGG_DEMO_DATA=/data/mnist
ENV STREAMLIT_SERVER_ADDRESS=0.0.0.0 STREAMLIT_SERVER_PORT=${PORT} STREAMLIT_SERVER_HEADLESS=true
VOLUME /data
USER ${USER_ID}
EXPOSE ${PORT}

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD python -c "from urllib.request import urlopen; urlopen('http://127.0.0.1:$STREAMLIT_SERVER_PORT/${STREAMLIT_SERVER_BASE_URL_PATH:+$STREAMLIT_SERVER_BASE_URL_PATH/}_stcore/health', timeout=4)"
CMD exec python -m streamlit run streamlit_app.py
