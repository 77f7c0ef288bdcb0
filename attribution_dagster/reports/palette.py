"""The colours of pictures, pages and the dashboard."""

# Okabe and Ito's palette: blue and vermillion differ for every common kind of colour vision.
DRIVER = "#0072B2"
BRAKE = "#D55E00"
UNCERTAIN = "#767676"
INK = "#222222"
FAINT = "#D9D9D9"
ALARM = "#B00020"
