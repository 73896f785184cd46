"""The page's parts: the only modules that import streamlit."""
