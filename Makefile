# make        lists the targets
# make run    needs Go and nothing else
# make test   installs what the tests need, as root on Debian or Ubuntu

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
DATA     ?= ./data
FUZZTIME ?= 60s
GOTEST   := go test -json -timeout 9m
# SQLite is C in Go's clothes, with locks of its own: watched by the race detector
# it is five times slower, and nothing of ours is found there.
RACE     := -race -gcflags='modernc.org/...=-race=false'
# What e2e/ tests is other processes, so the race detector would only slow it.
RACED     = $$(go list ./... | grep -v /e2e)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: build
build: ## build bin/coxswain, one static binary
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/coxswain ./cmd/coxswain

.PHONY: run
run: build ## build and start the server on DATA (./data), with the simulated region
	bin/coxswain serve --data $(DATA)

.PHONY: test
test: setup lint vet build ## everything that must be green before a commit
	{ $(GOTEST) $(RACE) $(RACED); if compgen -G 'e2e/*_test.go' >/dev/null; then COXSWAIN_BIN=$(CURDIR)/bin/coxswain $(GOTEST) -count=1 ./e2e/...; fi; } | go run ./tools/testsum

.PHONY: setup
setup: ## install what the tests need
	@tools/setup.sh

.PHONY: lint
lint: bin/golangci-lint ## golangci-lint over the Go code, shellcheck over the scripts
	bin/golangci-lint run ./...
	shellcheck tools/*.sh .ci/run
	shellcheck --severity=error $$(find e2e deploy -name '*.sh')

.PHONY: vet
vet: ## go vet
	go vet ./...

.PHONY: tools
tools: bin/golangci-lint ## build the linter, pinned in tools/lint/go.mod

# Its own module, so that its three hundred dependencies stay out of ours.
bin/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	cd tools/lint && GOFLAGS=-buildvcs=false go build -o ../../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: docs
docs: ## write docs/reference from the code
	go run ./tools/gendocs

.PHONY: fuzz
fuzz: ## fuzz every fuzz target for FUZZTIME (60s) each
	FUZZTIME=$(FUZZTIME) tools/fuzz.sh

# Tests that kill or abort at every persisted edge; COXSWAIN_CRASH=full makes those
# that sample in make test try every edge with a real SIGKILL.
CRASH := TestEveryEdge|TestKilled|TestCrash

.PHONY: crash
crash: ## the full crash matrix
	COXSWAIN_CRASH=full go test -json -count=1 -timeout 60m -run '^($(CRASH))' $$(grep -rlE --include='*_test.go' --exclude-dir=node_modules '^func ($(CRASH))' . | xargs -n1 dirname | sort -u) | go run ./tools/testsum

.PHONY: bench
bench: ## measure, and write docs/benchmarks.md (root measures more; COXSWAIN_E2E=1 the lab too)
	tools/setup.sh bench
	{ go test -timeout 120m -run '^$$' -bench . ./e2e/bench; \
	  go test -timeout 60m -run '^$$' -bench . -benchmem $$(grep -rlE --include='*_test.go' --exclude-dir=node_modules --exclude-dir=e2e '^func Benchmark' . | xargs -n1 dirname | sort -u); \
	} | go run ./tools/benchdoc docs/benchmarks.md

.PHONY: e2e
e2e: ## real clusters in the lab, through chat commands (root, Linux)
	K8S_VERSION=v1.33.13 COXSWAIN_E2E=1 go test -json -timeout 120m -run TestShort ./e2e | go run ./tools/testsum
	COXSWAIN_E2E=1 go test -json -timeout 120m ./e2e | go run ./tools/testsum

.PHONY: e2e-short
e2e-short: ## the lab's shortest scenario
	COXSWAIN_E2E=1 go test -json -timeout 60m -run TestShort ./e2e | go run ./tools/testsum

.PHONY: pictures
pictures: setup ## take the pictures of every page in docs/images
	mkdir -p docs/images
	COXSWAIN_SCREENSHOTS=$(CURDIR)/docs/images go test -count=1 -run TestPages/looks ./e2e/browser

.PHONY: image
image: ## build the container image coxswain:VERSION
	docker build --build-arg VERSION=$(VERSION) -t coxswain:$(VERSION) .

.PHONY: clean
clean: ## remove what was built; DATA stays
	rm -rf bin dist
