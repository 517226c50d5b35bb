# docker build -t fakeviam . && docker run --rm -p 8080:8080 fakeviam
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY fakeviam fakeviam
COPY client client
COPY contracts contracts
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.13-slim
COPY --from=build /wheels /wheels
RUN python -m pip install --no-cache-dir /wheels/*.whl \
    && useradd --uid 10001 --create-home fakeviam \
    && install --directory --owner fakeviam --mode 0700 /data
USER 10001
EXPOSE 8080
# Mount a volume here and add `--data-dir /data` to keep the state.
VOLUME ["/data"]
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s CMD ["fakeviam", "wait", "--timeout", "2"]
ENTRYPOINT ["fakeviam"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
