# What can be done here. `make` alone prints this list.
SHELL := /bin/bash
RUN := node --import tsx
# Where bootstrap puts Node.js on a machine whose own is too old, or that has none.
export PATH := $(or $(PAUSE_SANDBOX_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pause-sandbox)/bin:$(PATH)

# What a clone says that `make up` was never run in.
FRESH := no Node packages here, so this clone has started nothing; for the lab of another clone, run npm ci here and in lab/ npm ci first

.PHONY: help up down kubeconfig handmade handmade-down check test test-all test-long test-unit test-node test-e2e test-nodes test-containerd faults fuzz lint format update verify versions \
	docs pause-binaries verify-pause release-check diagrams globals node-script bench-node bench-doctor bench-mistake bench-scale bench-fleet bench-pause clean ready packages

help: ## Print this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

up: ## Heal a real cluster that cannot start Pods (APP=spring: a Spring Boot app in the Pod; REGISTRY=none: no registry)
	@lab/toolchain/bootstrap.sh $(if $(filter spring,$(APP)),java,lab)
	@$(RUN) lab/up.ts

down: ## Remove the lab: containers, network, mounts, processes, files
	@if [ -d lab/node_modules ]; then $(RUN) lab/handmade/main.ts destroy && $(RUN) lab/cluster/main.ts down; else echo "$(FRESH)" >&2; fi
	@lab/toolchain/engine.sh stop

handmade: ## Make the Pod by hand, with Spring Boot: a docker engine and no Kubernetes
	@lab/toolchain/bootstrap.sh java
	@$(RUN) lab/handmade/main.ts up

handmade-down: ## Remove the Pod made by hand
	@if [ -d lab/node_modules ]; then $(RUN) lab/handmade/main.ts down; else echo "$(FRESH)" >&2; fi

kubeconfig: ## Print the path of an admin kubeconfig for the lab
	@[ -d lab/node_modules ] || { echo "$(FRESH)" >&2; exit 1; }
	@$(RUN) lab/cluster/main.ts kubeconfig

check: packages ## Check types, style, components, and the node script on simulated nodes: no root, no engine, no lab
	@PAUSE_SANDBOX_TIER=check $(RUN) tests/run.ts

test: ready ## Run what check runs, and the main job on one lab; needs root
	@PAUSE_SANDBOX_TIER=test $(RUN) tests/run.ts

test-all: ready ## Run every suite; fails if anything is left out
	@PAUSE_SANDBOX_TIER=all $(RUN) tests/run.ts

test-long: ready ## Run every suite with all that it can try, and each benchmark at a tiny size; takes hours
	@lab/toolchain/bootstrap.sh bench
	@PAUSE_SANDBOX_TIER=long $(RUN) tests/run.ts

test-unit: ## Run the components under mocks
	@$(RUN) tests/run.ts tests/unit

test-node: ## Run the node transaction against real runtimes
	@$(RUN) tests/run.ts tests/node

test-e2e: ready ## Run the whole way through on the lab
	@$(RUN) tests/run.ts tests/system/e2e

test-nodes: ready ## Run the transaction on nodes with CRI-O and cri-dockerd, and with kubelets on both sides of 1.35
	@$(RUN) tests/run.ts tests/system/nodes

faults: ready ## Inject faults into real nodes and count what survives
	@$(RUN) tests/system/faults/main.ts

test-containerd: ready ## Run the edits against every containerd from 1.6 to 2.4; builds those that are missing
	@. lab/toolchain/versions; PAUSE_SANDBOX_CONTAINERD="$$CONTAINERD_OLDEST $$CONTAINERD_1 $$CONTAINERD_MORE $$CONTAINERD" npx mocha tests/node/containerd.test.ts

fuzz: ready ## Edit 10,000 random TOML files against the runtime's own parse
	@PAUSE_SANDBOX_FUZZ=10000 npx mocha tests/node/fuzz.test.ts

lint: ## Check types, style, format and shell
	@$(RUN) tests/lint.ts

format: ## Rewrite files in the project's format
	@npx prettier --write --log-level warn .

update: ## Write every file again that is made from others
	@$(RUN) tests/golden.ts update

verify: ## Say which of these files are old
	@$(RUN) tests/golden.ts verify

versions: ## Record in docs/versions.md what the last runs of the tests used (RESULTS=the folder of another clone's run)
	@$(RUN) tests/versions.ts record $(RESULTS)

pause-binaries: ## Compile pause for every architecture into image/binaries
	@cd image && for arch in amd64 arm arm64 ppc64le riscv64 s390x; do WERROR=1 sh build.sh $$arch binaries/pause-linux-$$arch || exit 1; done
	@cd image/binaries && sha256sum pause-linux-* >SHA256SUMS

verify-pause: ready ## Compile pause, and compare its bytes with image/binaries
	@npx mocha tests/image/pause/prebuilt.test.ts

release-check: ready ## Say what keeps this checkout from being released, and test the package
	@$(RUN) tests/release.ts
	@$(RUN) tests/run.ts tests/unit/package
	@npx mocha tests/image/pause/prebuilt.test.ts

docs: ## Build the documentation as a site into dist-docs, with search and the API
	@$(RUN) docs/site/build.ts

diagrams: ## Draw docs/diagrams from their sources (needs graphviz)
	@for source in docs/diagrams/*.dot; do dot -Tsvg -o "$${source%.dot}.svg" "$$source"; done

globals: ## Print the variables that parts of the node script share
	@$(RUN) tests/node/globals.ts

node-script: ## Print the very text that runs as root on every node
	@node cli/pause-sandbox.js render script --source

bench-node: ready ## Measure what a node costs: time, processes, state
	@$(RUN) lab/bench/node.ts

bench-doctor: ## Measure what the doctor costs for a fleet (NODES=500)
	@$(RUN) lab/bench/doctor.ts $(NODES)

bench-mistake: ready ## Measure what a mistake in a stack's file costs until it is reported
	@$(RUN) lab/bench/mistake.ts

bench-scale: ready ## Measure what a large cluster costs the engine, beside a bare command per node
	@$(RUN) lab/bench/scale.ts $(SIZES)

bench-fleet: ready ## Measure a fleet of simulated hosts, beside Ansible, pyinfra, plain ssh and eight commands per host
	@$(RUN) lab/bench/fleet.ts $(HOSTS)

bench-pause: ## Measure the pause beside upstream's (starts the lab where none stands)
	@lab/toolchain/bootstrap.sh bench
	@$(RUN) lab/bench/pause.ts

clean: ## Remove the lab and all that was built for it, its images in the engine too
	@if [ -d lab/node_modules ]; then $(RUN) lab/handmade/main.ts destroy && $(RUN) lab/cluster/main.ts clean; else echo "$(FRESH)" >&2; fi
	@lab/toolchain/engine.sh stop
	@rm -rf "$${PAUSE_SANDBOX_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/pause-sandbox}"

ready:
	@lab/toolchain/bootstrap.sh

packages:
	@lab/toolchain/bootstrap.sh packages
