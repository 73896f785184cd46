"""The colours of all charts and pictures: Okabe and Ito's, which people with any colour vision tell apart."""

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
