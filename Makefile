# The lanes of the tests, told apart by name in every package:
#
#   TestBPF…       loads programs into this kernel: needs root
#   TestGateway…   needs root, and nginx with the Lua module
#   any other      needs nothing
#
# A privileged test that cannot run skips with a reason, or fails where
# APISIXSCOPE_NEED_BPF=1, as "make test" sets it. Such tests share one kernel and
# one machine's ports, so their packages run one after the other.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Under sudo, the path often lacks these.
export PATH := $(PATH):/usr/local/go/bin:/usr/sbin:/sbin

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
STATIC  := CGO_ENABLED=0 GOOS=linux
ARCHES  := amd64 arm64
BUILD   := go build -trimpath -ldflags '$(LDFLAGS)'
LINT    := go tool -modfile=.ci/lint/go.mod

# The race detector needs cgo and a C compiler.
RACE := $(if $(shell command -v gcc),-race)
PRIVILEGED := ^Test(BPF|Gateway)

BENCH_PKG ?= ./internal/bench
BENCH := APISIXSCOPE_BENCH=1 APISIXSCOPE_NEED_BPF=1 go test -v -count=1 -timeout 20m

# Words for the program that "make demo" runs: make demo ARGS='-o json'
ARGS ?=

# Words for "make test-kernels": make test-kernels KERNELS='--allow-missing 5.10 6.1'
KERNELS ?=

##@ Use

.PHONY: build
build: ## build bin/apisixscope, static, for this machine
	$(STATIC) $(BUILD) -o bin/apisixscope ./cmd/apisixscope

.PHONY: demo
demo: ## trace a gateway with load on it, without an APISIX (root; installs what it lacks)
	.ci/setup demo
	$(MAKE) build
	bin/apisixscope demo $(ARGS)

.PHONY: dist
dist: ## build dist/ for amd64 and arm64, with checksums
	rm -rf dist
	for arch in $(ARCHES); do \
		$(STATIC) GOARCH=$$arch $(BUILD) -o dist/apisixscope_linux_$$arch ./cmd/apisixscope; \
	done
	cd dist && sha256sum apisixscope_* | tee SHA256SUMS

##@ Test

.PHONY: test
test: ## run all of it: set up, lint, generated files, every lane (root; installs what it lacks)
	.ci/setup
	$(MAKE) lint
	.ci/generated
	$(MAKE) cross
	$(MAKE) test-unit
	APISIXSCOPE_NEED_BPF=1 $(MAKE) test-bpf
	APISIXSCOPE_NEED_BPF=1 $(MAKE) test-gateway

.PHONY: test-unit
test-unit: ## run the tests that need nothing
	env -u APISIXSCOPE_NEED_BPF go test -short $(RACE) -skip '$(PRIVILEGED)' ./...

.PHONY: test-bpf
test-bpf: ## run the tests that load programs into this kernel (root)
	go test -count=1 -p 1 $(RACE) -timeout 10m -run '^TestBPF' ./...

# Without the race detector: it slows the reader down to where events are lost.
.PHONY: test-gateway
test-gateway: ## run the tests that watch a real gateway (root, nginx with the Lua module)
	go test -count=1 -p 1 -timeout 15m -run '^TestGateway' ./...

.PHONY: test-kernels
test-kernels: ## run bpf's privileged tests in Linux 5.10 to 7 under QEMU (Debian; not in "test": downloads kernels)
	.ci/kernels $(KERNELS)

# Kubernetes takes minutes to compile the first time: make sees to it that it is once.
bin/kubebox: internal/testrig/kube/go.mod internal/testrig/kube/kubebox/main.go
	cd internal/testrig/kube && $(STATIC) go build -trimpath -o ../../../bin/kubebox \
		-ldflags '-s -w -X k8s.io/component-base/version.gitVersion=v1.34.1 \
			-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34' ./kubebox

.PHONY: test-kube
test-kube: ## run the tests that need a Kubernetes, in one that they start (root, Debian)
	.ci/setup kube
	$(MAKE) bin/kubebox
	cd internal/testrig/kube && KUBEBOX=$(CURDIR)/bin/kubebox go test -v -count=1 -timeout 15m ./...

.PHONY: cross
cross: ## compile everything for arm64
	$(STATIC) GOARCH=arm64 go build -o /dev/null ./...

.PHONY: lint
lint: ## check format, vet, staticcheck and who imports whom
	@files=$$(gofmt -l .); [[ -z $$files ]] || { echo "lint: not formatted, run gofmt -w:" $$files >&2; exit 1; }
	go vet ./...
	$(LINT) staticcheck ./...
	$(LINT) depguard ./...
	.ci/lint/selfcheck

##@ Measure

.PHONY: bench
bench: ## what watching costs the gateway, in throughput and CPU time (root)
	.ci/setup bench
	$(BENCH) -run '^TestBenchOverhead$$' $(BENCH_PKG)

.PHONY: bench-linking
bench-linking: ## attempts linked right and wrong, against what the upstreams saw (root)
	.ci/setup bench
	$(BENCH) -run '^TestBenchLinking$$' $(BENCH_PKG)

.PHONY: bench-complete
bench-complete: ## traces and losses against the gateway's access log, at full load (root)
	.ci/setup bench
	$(BENCH) -run '^TestBenchComplete$$' $(BENCH_PKG)

.PHONY: bench-profile
bench-profile: ## how true profiles are, and what they cost the gateway (root; ten minutes of it: APISIXSCOPE_SOAK)
	.ci/setup bench
	$(BENCH) -timeout 40m -run '^TestBenchProfile$$' $(BENCH_PKG)

.PHONY: bench-top
bench-top: ## how top keeps up with 10,000 requests a second: memory, draws, keys (root)
	.ci/setup bench
	$(BENCH) -run '^TestBenchTop$$' $(BENCH_PKG)

##@ Make anew

.PHONY: generate
generate: ## compile the kernel programs and their Go bindings (clang-14)
	BPF2GO_CC=clang-14 BPF2GO_STRIP=llvm-strip-14 go generate ./bpf

.PHONY: golden
golden: ## rewrite the golden files; read the difference before you commit it
	APISIXSCOPE_GOLDEN=1 go test -count=1 -skip '$(PRIVILEGED)' ./...

.PHONY: completions
completions: build ## rewrite the shell completions
	mkdir -p completions
	for shell in bash zsh fish; do \
		bin/apisixscope completion $$shell > completions/apisixscope.$$shell; \
	done

# A page of your own: make report-shots PAGE=report.html
PAGE ?=

.PHONY: report-shots
report-shots: ## make pictures of a report in bin/report-shots, to look at (Chromium)
	.ci/setup shots
	APISIXSCOPE_SHOTS=$(CURDIR)/bin/report-shots APISIXSCOPE_SHOTS_OF=$(if $(PAGE),$(abspath $(PAGE))) \
		go test -v -count=1 -run '^TestReportShots$$' ./internal/render

##@ Help

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
