# Builds the binary and puts it, alone, on a small Debian.
FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/tramline tramline
COPY --from=build /src/target/release/tramline /usr/local/bin/tramline
USER tramline
VOLUME /var/lib/tramline
EXPOSE 8080
ENTRYPOINT ["tramline"]
CMD ["serve", "--listen", "0.0.0.0:8080", "--insecure", "--data-dir", "/var/lib/tramline"]
