# One image for everything: the code location (as started below), runs, the web server and the daemon, MLflow, the command line.
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 attribution
WORKDIR /app

# What changes rarely comes first: dependencies, each of the one version in constraints.txt, and nothing built from source.
# PyTorch's CPU wheels have an index of their own (see pytorch.org). Without it, x86 gets the build with several GB of CUDA libraries:
#   docker build --build-arg PIP_EXTRA_INDEX_URL=<index of the CPU wheels> .
ARG PIP_EXTRA_INDEX_URL
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
    print(*p['dependencies'], *(d for e in ('deploy', 'postgres', 'mysql') for d in p['optional-dependencies'][e]), sep='\n')" > requirements.txt \
 && pip install --no-cache-dir --only-binary :all: --constraint constraints.txt --requirement requirements.txt

COPY README.md LICENSE dagster.yaml workspace.yaml ./
COPY sql ./sql
COPY attribution_dagster ./attribution_dagster
COPY deploy/dagster.yaml deploy/workspace.yaml /opt/dagster/
# A wheel, which carries sql/ and the datasets: the checkout is not needed to run it.
RUN pip install --no-cache-dir --no-deps . \
 && rm -r sql attribution_dagster \
 && mkdir -p /data/dagster && cp dagster.yaml /data/dagster/ && chown -R attribution /data /opt/dagster

# DAGSTER_HOME is the embedded instance, sqlite in the volume; compose.yaml takes the one in /opt/dagster, with Postgres.
USER attribution
ENV ATTRIBUTION_HOME=/data ATTRIBUTION_EXPORTS=/data/exports ATTRIBUTION_DATASET_FOLDERS=/datasets DAGSTER_HOME=/data/dagster \
    GX_ANALYTICS_ENABLED=false GIT_PYTHON_REFRESH=quiet MPLBACKEND=Agg PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 4000
# Inside a container every interface is right: nothing outside reaches the port unless it is published, and compose.yaml publishes none of it.
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s --retries=3 \
    CMD ["dagster", "api", "grpc-health-check", "--port", "4000"]
CMD ["dagster", "api", "grpc", "--host", "0.0.0.0", "--port", "4000", "--module-name", "attribution_dagster.definitions"]
