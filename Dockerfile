# One image for every Runledger process; compose.yaml says which one a container runs.
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app
WORKDIR /app

COPY requirements/prod.lock requirements/prod.lock
RUN pip install --no-cache-dir --only-binary=:all: --no-deps --require-hashes --requirement requirements/prod.lock

COPY . .
RUN python -m compileall -q . \
    && useradd --system --uid 10001 --home-dir /data --no-create-home runledger \
    && install --directory --owner=runledger --mode=0711 /data

USER runledger
ENV RUNLEDGER_HOST=0.0.0.0 RUNLEDGER_DATA_DIR=/data PORT=8000
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/readyz', timeout=4)"]
ENTRYPOINT ["python", "-m", "cli.main"]
CMD ["serve"]
