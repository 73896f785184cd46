"""A run to take along: its curve as CSV or PNG, and the whole of it as one plain PyTorch script."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from string import Template
from types import ModuleType
from typing import TYPE_CHECKING, Any

from vgg_demo.architecture import Layer, classifier, features
from vgg_demo.colours import BLUE, GREEN, ORANGE
from vgg_demo.config import ModelConfig, RunConfig

if TYPE_CHECKING:
    from vgg_demo.runs.reader import Curve


TEMPLATE = Path(__file__).parent.parent / "assets" / "run_script.template"
PRECISION = {"32-true": "contextlib.nullcontext()", "bf16-mixed": "torch.autocast(device.type, dtype=torch.bfloat16)"}
LAYERS = {
    "conv": "nn.Conv2d({inputs}, {units}, kernel_size=3, padding=1)",
    "norm": "nn.BatchNorm2d({units})",
    "relu": "nn.ReLU(inplace=True)",
    "pool": "nn.MaxPool2d(kernel_size=2, stride=2)",
    "linear": "nn.Linear({inputs}, {units})",
    "dropout": "nn.Dropout({dropout!r})",
}
OPTIMIZERS = {
    "adam": "torch.optim.Adam(network.parameters(), LEARNING_RATE, weight_decay={decay!r})",
    "adamw": "torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay={decay!r}, fused=True)",
    "sgd": "torch.optim.SGD(network.parameters(), LEARNING_RATE, momentum=0.9, nesterov=True, weight_decay={decay!r})",
}
CONSTANT = {"rate": "LEARNING_RATE", "fallen": "1.0"}
ONE_CYCLE = {
    "rate": "one_cycle(step, planned_steps, LEARNING_RATE)",
    "fallen": "one_cycle_ahead(step, planned_steps, LEARNING_RATE)"
    " / one_cycle_ahead(set_at, planned_steps, LEARNING_RATE)",
}


def curve_csv(curve: Curve) -> str:
    """One line a step: step, loss, learning rate, seconds; validation accuracy where an epoch ended."""
    accuracies = dict(curve.val_accuracies)
    lines = ["step,loss,learning_rate,seconds,validation_accuracy"]
    columns = curve.steps, curve.losses, curve.learning_rates, curve.seconds
    for step, loss, rate, seconds in zip(*columns, strict=False):  # a reader may have added a step to some only
        lines.append(f"{step},{loss!r},{rate!r},{seconds!r},{accuracies.get(step, '')}")
    return "\n".join(lines) + "\n"


def curve_png(name: str, curve: Curve) -> bytes:
    """The curve in print quality."""
    from vgg_demo.export.result_files import new_figure, to_png
    from vgg_demo.runs.series import Smoother

    count = len(curve.images)  # the last list that a reader adds a step to
    steps, losses = curve.steps[:count], curve.losses[:count]
    figure = new_figure(8, 4.5)
    axes = figure.add_subplot()
    axes.plot(steps, losses, color=BLUE, alpha=0.35, linewidth=0.8, label="loss of each batch")
    axes.plot(steps, Smoother(0.9).follow(losses), color=ORANGE, linewidth=2, label="smoothed")
    axes.axhline(2.302585, color="grey", linestyle="--", linewidth=0.8, label="knows nothing: ln 10")
    axes.set(title=name, xlabel="step", ylabel="loss (cross-entropy)", ylim=(0, None))
    if accuracies := curve.val_accuracies:
        right = axes.twinx()
        right.plot(
            [step for step, _ in accuracies],
            [100 * share for _, share in accuracies],
            "D--",
            color=GREEN,
            label="validation accuracy",
        )
        right.set(ylabel="validation accuracy, %", ylim=(0, 100))
    figure.legend(loc="outside lower center", ncols=4, fontsize=8)
    return to_png(figure, dpi=200)


def run_script(config: RunConfig, curve: Curve) -> str:
    """The run as one PyTorch script that needs nothing of this project and, on the same machine, gives the same losses.

    It needs torch, numpy and torchvision, which reads MNIST from the folder given on its command line.
    """
    from vgg_demo.device import precision_here

    train, model = config.train, config.model
    precision = precision_here(train.device, train.precision)
    return fill_template(
        TEMPLATE.read_text("utf-8"),
        {
            "title": f"{config.preset}: {model.plan}, width {model.width:g}, "
            f"images of {model.image_size}×{model.image_size}",
            "constants": _constants(config),
            "changes": str(dict(curve.learning_rate_changes)),
            "schedules": str(dict(curve.schedules)),
            "functions": _functions(config),
            "layers": "\n".join(f"{layer}," for layer in _layers(model)),
            "init": "network.apply(init_he)" if model.init == "he" else "# PyTorch's own initialisation",
            "optimizer": OPTIMIZERS[train.optimizer].format(decay=train.weight_decay),
            "precision": PRECISION[precision],
            **(ONE_CYCLE if train.schedule == "one-cycle" else CONSTANT),
            **_steps(config),
        },
    )


def fill_template(template: str, values: dict[str, str]) -> str:
    """Put values where the template has $names.

    A name alone on its line stands for as many lines as its value has, each indented as it is; for none if it is empty.
    """
    lines = []
    for line in template.splitlines():
        indent, dollar, name = line.partition("$")
        if dollar and not indent.strip() and name in values:
            lines += textwrap.indent(values[name], indent).splitlines()
        else:
            lines.append(Template(line).substitute(values))
    return "\n".join(lines) + "\n"


def _constants(config: RunConfig) -> str:
    """The settings, a line each."""
    from vgg_demo.transforms import MEAN, STD

    train, model = config.train, config.model
    constants = {
        "SEED": train.seed,
        "TOTAL_STEPS": train.total_steps,
        "BATCH_SIZE": train.batch_size,
        "LEARNING_RATE": train.learning_rate,
        "IMAGE_SIZE": model.image_size,
        "CHANNELS": model.channels,
        "VALIDATION_IMAGES": train.validation_images,
        "MEAN": MEAN,
        "STD": STD,
    }
    return "\n".join(f"{name} = {value!r}" for name, value in constants.items())


def _functions(config: RunConfig) -> str:
    """The source of those functions of this project that the script calls."""
    from vgg_demo import data, model, training, transforms
    from vgg_demo.recipe import augmentation, averaging, pen_strokes, schedule

    train = config.train
    is_augmented = train.augment > 0 or train.handwriting_styles > 0
    functions: list[Callable[..., Any]] = [
        data.split_indices,
        data.epoch_order,
        transforms.transform_pixels,
        transforms.resize_matrix,
        schedule.one_cycle,
        schedule.one_cycle_ahead,
    ]
    if config.model.init == "he":
        functions.append(model.init_he)
    if is_augmented or config.model.dropout:
        functions.append(training.step_seed)
    if train.self_distillation:
        functions += [averaging.exponential_moving_average, averaging.ema_decay, averaging.soft_targets]
    sources = [inspect.getsource(function).rstrip() for function in functions]
    if is_augmented:
        sources += [source_after_imports(module).rstrip() for module in (pen_strokes, augmentation)]
    return "\n\n\n".join(sources)


def source_after_imports(module: ModuleType) -> str:
    """The source of a module from its first line after docstring and imports."""
    source = inspect.getsource(module)
    first = next(node for node in ast.parse(source).body[1:] if not isinstance(node, ast.Import | ast.ImportFrom))
    return "\n".join(source.splitlines()[first.lineno - 1 :])


def _steps(config: RunConfig) -> dict[str, str]:
    """Those parts of the loop that are there in some configs only, and the loss."""
    train = config.train
    loss = f"F.cross_entropy(logits, labels, label_smoothing={train.label_smoothing!r})"
    parts = dict.fromkeys(("augment", "dropout", "average", "targets", "update_average"), "")
    if train.augment or train.handwriting_styles:
        parts["augment"] = (
            "generator = torch.Generator().manual_seed(step_seed(step, SEED))\n"
            f"batch = vary_handwriting(batch, labels, {train.handwriting_styles!r}, generator)\n"
            f"batch = augment_batch(batch, {train.augment!r}, generator)"
        )
    if config.model.dropout:
        parts["dropout"] = "torch.manual_seed(step_seed(step, SEED))  # dropout draws from torch's own generator"
    if train.self_distillation:
        parts["average"] = f"average = exponential_moving_average(network, {train.average_weights!r})"
        parts["targets"] = "targets = soft_targets(average, inputs)"
        parts["update_average"] = "average.update_parameters(network)"
        loss = f"torch.lerp({loss}, F.cross_entropy(logits, targets), {train.self_distillation!r})"
    return {**parts, "loss": loss}


def _layers(model: ModelConfig) -> list[str]:
    """The network, a layer a line."""

    def line(layer: Layer) -> str:
        return LAYERS[layer.kind].format(inputs=layer.inputs[0], units=layer.outputs[0], dropout=model.dropout)

    return [*map(line, features(model)), "nn.Flatten()", *map(line, classifier(model))]
