# birthmark on a CPU: docker build -t birthmark . && docker run --rm -v "$PWD:/work" birthmark --help
FROM python:3.12-slim
COPY pyproject.toml README.md LICENSE /src/
COPY src /src/src
RUN pip install --no-cache-dir "/src[serve]" && useradd --create-home birthmark
USER birthmark
WORKDIR /work
ENV OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE
ENTRYPOINT ["birthmark"]
