# The code location and the command line in one image; the UI and the daemon run from it too.
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 attribution
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE dagster.yaml workspace.yaml ./
COPY sql ./sql
COPY attribution_dagster ./attribution_dagster
RUN pip install --no-cache-dir --constraint constraints.txt . \
 && mkdir -p /data/dagster && cp dagster.yaml /data/dagster/ && chown -R attribution /data

USER attribution
ENV ATTRIBUTION_HOME=/data ATTRIBUTION_EXPORTS=/data/exports DAGSTER_HOME=/data/dagster GX_ANALYTICS_ENABLED=false
VOLUME /data
EXPOSE 3000
# Loopback is right on a laptop; in a container the port is published on purpose. The web server has no login: put a proxy before it.
CMD ["dagster-webserver", "--host", "0.0.0.0", "--port", "3000", "--workspace", "workspace.yaml"]
