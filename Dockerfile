# A static binary in an empty image. Build with: make image
FROM golang:1.26 AS build
WORKDIR /src
# The modules change less often than the code: a layer of their own.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /out/coxswain ./cmd/coxswain \
 && mkdir -p -m 0700 /out/data

FROM scratch
# Certificate authorities, for chat platforms and clouds; time zones are in the binary.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/coxswain /coxswain
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
VOLUME /data
EXPOSE 8388
# The private listener stays on the container's loopback: /metrics is for a sidecar
# or, with --admin-listen 0.0.0.0:8389, for a network that only monitoring reaches.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["/coxswain", "doctor", "--health"]
ENTRYPOINT ["/coxswain"]
CMD ["serve", "--data", "/data", "--listen", "0.0.0.0:8388"]
