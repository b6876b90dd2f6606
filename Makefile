# What a newcomer types. `make` alone lists the targets.

MODEL  ?= nade
HIDDEN ?= 500
EPOCHS ?=
SEED   ?= 0
DATA   ?= Data/mnist
RUN    ?= runs/$(MODEL)
COUNT  ?= 100
ARGS   ?=
PREFIX ?= $(HOME)/.local

PYTHON  ?= python3
MPICC   ?= mpicc
SWIFT   ?= swift
DOCC    ?= docc
BUILD    = $(SWIFT) build -c release
DENSITY  = .build/release/density

# The kernels are written in clang's vector types: the clang that Swift brings compiles them.
CLANG        ?= $(dir $(realpath $(shell command -v $(SWIFT))))clang
KERNEL_CHECK  = $(CLANG) -O2 -std=gnu17 -Wall -Wextra -Werror -ISources/CKernels/include \
                Sources/CKernels/*.c Tests/CKernelsCheck/*.c -pthread -lm
CROSS        ?= aarch64-linux-gnu
EMULATOR     ?= qemu-aarch64
EMULATION     = gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user

.DEFAULT_GOAL := help
.PHONY: help needs build install static uninstall train sample evaluate test test-kernels test-neon mpi test-mpi test-formats test-readme \
        test-report bench bench-peers bench-growth bench-batch \
        bench-anytime bench-distillation lint format docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "Variables (NAME=default): MODEL=nade|made|fvsbn|eonade HIDDEN=$(HIDDEN) EPOCHS SEED=$(SEED) DATA=$(DATA)"
	@echo "RUN=$(RUN) COUNT=$(COUNT), and ARGS for any further options of the command, e.g."
	@echo "  make train MODEL=made HIDDEN=500 ARGS='--masks 8 --ordering resampled'"

# What every build begins with: a fiftieth of a second, once it has passed.
needs: ## check that what a build needs is here, and say how to install what is not
	@SWIFT='$(SWIFT)' sh .make/needs.sh

build: needs ## build everything, optimised
	$(BUILD)

# What is installed, by its place under PREFIX.
INSTALLED = bin/density share/man/man1/density.1 share/bash-completion/completions/density \
            share/zsh/site-functions/_density share/fish/vendor_completions.d/density.fish

INSTALL  = $(DESTDIR)$(PREFIX)
# Without the names of functions, which are three fifths of the file and tell the user nothing.
STRIP    = $(if $(filter Linux,$(shell uname)),-Xlinker -s)
RELEASE  = .build/install/release

# Its build has a folder of its own: with the Swift library inside, everything is compiled otherwise than by build.
install: needs ## build the command and install it under PREFIX=~/.local, with its manual page and completions
	@$(BUILD) --scratch-path .build/install --product density --static-swift-stdlib $(STRIP)
	@for place in $(INSTALLED); do install -d "$(INSTALL)/$$(dirname $$place)" || exit 1; done
	@install -m 755 $(RELEASE)/density "$(INSTALL)/bin/.density.new"
	@mv -f "$(INSTALL)/bin/.density.new" "$(INSTALL)/bin/density"
	@if [ -f .build/release/density-mpi.so ]; then install -m 755 .build/release/density-mpi.so "$(INSTALL)/bin"; fi
	@$(RELEASE)/density manual > "$(INSTALL)/share/man/man1/density.1"
	@$(RELEASE)/density completions bash > "$(INSTALL)/share/bash-completion/completions/density"
	@$(RELEASE)/density completions zsh > "$(INSTALL)/share/zsh/site-functions/_density"
	@$(RELEASE)/density completions fish > "$(INSTALL)/share/fish/vendor_completions.d/density.fish"
	@echo "installed $(INSTALL)/bin/density"
	@case ":$$PATH:" in *":$(PREFIX)/bin:"*) ;; *) echo "add it to your path: export PATH=\"$(PREFIX)/bin:\$$PATH\"" ;; esac

# The C library and zlib are inside, too: it needs nothing of the system but /proc, and loads no plugin of MPI.
static: needs ## build a command that runs alone, on any Linux of this architecture: .build/static/release/density
	@$(BUILD) --scratch-path .build/static --product density --static-swift-stdlib -Xswiftc -static-executable \
	  -Xswiftc -DSTATIC $(STRIP)
	@echo "built .build/static/release/density"

uninstall: ## remove what install has put under PREFIX
	@for place in $(INSTALLED) bin/density-mpi.so; do rm -f "$(INSTALL)/$$place"; done

train: needs ## train a model on DATA, write RUN/best.safetensors, samples.png, history.jsonl
	@$(BUILD) --product density
	$(DENSITY) train --data $(DATA) --model $(MODEL) $(if $(filter-out fvsbn,$(MODEL)),--hidden $(HIDDEN)) \
	  $(if $(EPOCHS),--epochs $(EPOCHS)) --seed $(SEED) --run $(RUN) $(ARGS)

sample: needs ## draw COUNT samples from RUN's best model into RUN/samples.png
	@$(BUILD) --product density
	$(DENSITY) sample $(RUN)/best.safetensors --count $(COUNT) --seed $(SEED) --output $(RUN)/samples.png $(ARGS)

evaluate: needs ## measure RUN's best model on DATA's test rows
	@$(BUILD) --product density
	$(DENSITY) evaluate $(RUN)/best.safetensors --data $(DATA) $(ARGS)

# Searches that are given seconds find what these allow. So they run one after the other, each with the processors to itself.
TIMED = (Search|SmallTable|Distill|Distillation|Fit)Tests/

# The client is built as another package's first build is: for debugging, which also checks what optimisation may hide.
test: needs ## build and run all tests (optimised: the C kernels are unusably slow without)
	$(BUILD) --build-tests
	$(SWIFT) test -c release --skip-build --disable-xctest --no-parallel --filter '$(TIMED)'
	$(SWIFT) test -c release --skip-build --disable-xctest --skip '$(TIMED)'
	$(SWIFT) run --package-path Tests/Client --scratch-path .build/client Client

test-kernels: ## check the C kernels in every instruction set of this machine
	@mkdir -p .build/kernels
	$(KERNEL_CHECK) -o .build/kernels/check
	.build/kernels/check

test-neon: ## check the C kernels compiled for arm64, under emulation
	@{ command -v $(EMULATOR) && command -v $(CROSS)-gcc && test -e /usr/$(CROSS)/lib/libc.a; } >/dev/null || { \
	  echo "test-neon needs an arm64 C library and an emulator: apt-get install $(EMULATION)" >&2; exit 1; }
	@mkdir -p .build/kernels
	$(KERNEL_CHECK) --target=$(CROSS) -fuse-ld=lld -static -o .build/kernels/check-neon
	$(EMULATOR) .build/kernels/check-neon

mpi: needs ## compile the plugin for a search over MPI beside the program, with the mpicc of the MPI at hand
	@command -v $(MPICC) >/dev/null || { \
	  echo "mpi needs an MPI with its compiler: apt-get install libopenmpi-dev openmpi-bin" >&2; exit 1; }
	@$(BUILD) --product density
	$(MPICC) -std=gnu17 -O2 -Wall -Wextra -Werror -shared -fPIC -o .build/release/density-mpi.so Sources/CMPI/plugin.c

test-mpi: mpi ## search with 1, 2 and 4 processes under mpirun: the same result, dead processes, wrong tables
	$(PYTHON) Tests/mpi/check.py $(DENSITY)

test-formats: needs ## check checkpoints and PyTorch state dicts from outside, where PYTHON has numpy, safetensors, torch
	@$(BUILD) --product density
	$(PYTHON) Tests/formats/check.py $(DENSITY)

test-report: needs ## look at reports in Chromium, on a phone and a desk, light and dark: pictures go to .build/report
	@$(BUILD) --product density
	$(PYTHON) Tests/report/check.py $(DENSITY)

test-readme: needs ## run every shell block of the README in a clean clone, and compare what is printed with what it shows
	@$(BUILD) --product density
	$(PYTHON) Tests/readme/check.py $(DENSITY)

bench: needs ## measure the speed of every model, beside what the machine allows
	@$(BUILD) --product density-bench
	.build/release/density-bench $(ARGS)

bench-peers: needs ## compare with PyTorch and JAX, and with readers of tables, where PYTHON has them
	@$(BUILD) --product density-bench
	$(PYTHON) Sources/DensityBenchmarks/Peers/read.py .build/release/density-bench
	$(PYTHON) Sources/DensityBenchmarks/Peers/compare.py $(ARGS)

bench-growth: needs ## measure how the time grows with every size; ARGS='--plot growth.svg' draws it
	@$(BUILD) --product density-bench
	.build/release/density-bench --growth $(ARGS)

bench-batch: needs ## measure which learning rate suits which batch; ARGS='--plot batch.svg' draws it
	@$(BUILD) --product density-bench
	.build/release/density-bench --batch-rate $(ARGS)

bench-anytime: needs ## measure what a search has after ever longer times: TABLES='plants.train.data …'
	@$(BUILD) --product density-bench
	.build/release/density-bench --anytime $(addprefix --train ,$(TABLES)) $(ARGS)

bench-distillation: needs ## measure what mixtures and networks distilled of them are worth: TABLES='plants.train.data …'
	@$(BUILD) --product density-bench
	.build/release/density-bench --distillation $(addprefix --train ,$(TABLES)) $(ARGS)

lint: ## check the format of all Swift sources
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests

format: ## format all Swift sources in place
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests

# What is documented: the modules that a program imports. Their symbols are taken from the build that every other target makes.
DOCUMENTED = BinaryDensity Autodiff Kernels
TARGET     = $(shell $(SWIFT) -print-target-info | sed -n 's/.*"unversionedTriple": "\(.*\)".*/\1/p')
# On Apple's systems the system's own modules are in an SDK.
SDK        = $(if $(filter Darwin,$(shell uname)),-sdk $(shell xcrun --show-sdk-path))

docs: needs ## build the documentation of the library into docs/, warnings are errors
	rm -rf .build/docs docs && mkdir -p .build/docs
	$(BUILD) --target BinaryDensity
	for module in $(DOCUMENTED); do \
	  $(SWIFT) symbolgraph-extract -module-name $$module -target $(TARGET) $(SDK) -I .build/release/Modules -I Sources/CZlib \
	    -Xcc -fmodule-map-file=.build/release/CKernels.build/module.modulemap -minimum-access-level public \
	    -output-dir .build/docs || exit; \
	done
	$(DOCC) convert Sources/BinaryDensity/BinaryDensity.docc --additional-symbol-graph-dir .build/docs \
	  --fallback-display-name BinaryDensity --fallback-bundle-identifier BinaryDensity \
	  --warnings-as-errors --output-path docs

clean: ## remove everything that was built (runs stay)
	$(SWIFT) package clean
	rm -rf docs
