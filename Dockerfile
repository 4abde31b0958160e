# syntax=docker/dockerfile:1
# The packages of requirements.lock with their hashes, the browser's files, then the code: a change
# of the code alone builds nothing else anew.

FROM python:3.12-slim AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/python -m pip install --quiet --require-hashes --no-deps --only-binary :all: -r requirements.lock

FROM python:3.12-slim AS assets
WORKDIR /app
COPY package.json package-lock.json .npmrc requirements-node.lock ./
COPY scripts/assets.py scripts/assets.py
COPY static static
RUN python scripts/assets.py

FROM python:3.12-slim
# Its number is named, so that the owner of a mounted folder can be set from outside.
RUN groupadd --gid 10001 holdfast \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin holdfast
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 PORT=8420 VAR_DIR=/app/var
COPY --from=packages /venv /venv
COPY piccolo_conf.py LICENSE ./
COPY dashboard dashboard
COPY jobs jobs
COPY templates templates
COPY --from=assets /app/static static
# The code belongs to root and stays as it is; this folder alone can be written to.
RUN install -d -o holdfast -g holdfast -m 0750 /app/var
USER 10001:10001
VOLUME /app/var
EXPOSE 8420
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=6s --start-period=20s CMD ["python", "-m", "dashboard.observability.probe"]
CMD ["python", "-m", "dashboard", "web"]
