"""The web app: what is published, read-only, page by page. `app.py` is what Streamlit runs."""
