# The image of capi-consumer: `docker build -t capi-consumer:0.1.0 .`
#
#   build   makes the wheel, and a virtual environment of the locked, hashed requirements and the wheel
#   last    that environment on a bare Python: no compiler, no pip in it, no source
#
# Base images are pinned by tag; whoever needs the same bytes each time adds the
# digest (`python:...@sha256:...`) of the registry they trust.

FROM python:3.13.16-slim-trixie AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

WORKDIR /src

# The same path as in the last stage: a virtual environment knows where it is.
RUN python -m venv --without-pip /opt/capi-consumer

# First what changes seldom, so that a change of the source leaves these layers alone.
COPY requirements/run.txt requirements/build.txt requirements/
RUN python -m pip install --no-deps --require-hashes --only-binary :all: -r requirements/build.txt && \
    python -m pip --python /opt/capi-consumer/bin/python install --no-deps --require-hashes --only-binary :all: -r requirements/run.txt

COPY pyproject.toml README.md LICENSE capi_consumer_main.py ./
COPY schemas schemas
COPY consumer consumer
RUN python -m hatchling build --target wheel --directory dist && \
    python -m pip --python /opt/capi-consumer/bin/python install --no-deps --no-index --find-links dist capi-consumer


FROM python:3.13.16-slim-trixie

LABEL org.opencontainers.image.title="capi-consumer" \
      org.opencontainers.image.description="Reads Commanders Act events from Kafka and sends them to Meta's Conversions API." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"

COPY --from=build /opt/capi-consumer /opt/capi-consumer

# `run` writes nothing, bytecode neither: the root may be read-only.
ENV PATH=/opt/capi-consumer/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# A number, so that Kubernetes can see that it is not root. The chart names the same.
USER 10001:10001

WORKDIR /opt/capi-consumer

# Health and metrics of `run`. No HEALTHCHECK here: the same image creates
# topics and stands in for Meta, and who runs it knows which of them it asks.
EXPOSE 9090

ENTRYPOINT ["capi-consumer"]
CMD ["run"]
