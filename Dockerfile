# ReelTune with its service. Data, models and settings lie in the volume /data.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements.txt requirements-serve.txt pyproject.toml README.md LICENSE ./
RUN python -m venv /opt/reeltune \
    && /opt/reeltune/bin/pip install --no-cache-dir -r requirements-serve.txt
COPY reeltune ./reeltune
RUN /opt/reeltune/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin reeltune \
    && mkdir /data \
    && chown reeltune:reeltune /data
COPY --from=build /opt/reeltune /opt/reeltune
ENV PATH=/opt/reeltune/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    REELTUNE_DB=/data/movies.db
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
ENTRYPOINT ["reeltune"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000", "--token-file", "/data/tokens"]
