# SPDX-License-Identifier: MIT
# A thin front to CMake: `make run` shows a tunnel at work, `make test` tests it; both install what is missing.
# Without this file: mkdir build; cd build; cmake ..; make

BUILD ?= build
JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# Warnings are errors where the project is checked, not where it is used: a newer compiler knows new ones.
WERROR ?= $(if $(CI),ON,OFF)
# Words for `skcptun demo`, as in: make run DEMO="--loss 5 --rtt 160". It runs until Ctrl-C, or for 20 s where nobody
# can press it.
DEMO ?=
# The checks that are slow under sanitizers move this part of the data.
SCALE ?= 0.1
# How many seeds the simulated congestion control scenarios are run with in `make check`.
SEEDS ?= 2000
# The machines of check-cross; tools/cross-build.sh names all it knows. mips is big-endian.
CROSS ?= mips-linux-musl aarch64-macos

MAKEFLAGS += --no-print-directory

SANITIZED = -DSKT_SANITIZE=ON -DSKT_WERROR=ON -DSKT_TESTS=ON
SOURCES = $(shell find src tests lab tools -name '*.[ch]')

# With the programs that tests and measurements need.
LAB = $(MAKE) build CMAKE_FLAGS="$(CMAKE_FLAGS) -DSKT_LAB=ON"

# Every how many-th allocation fails in `make check`.
ALLOC_STEP ?= 1
# How many of these lives at once: they mostly wait.
ALLOC_JOBS ?= 16

.PHONY: build run test fast interop compare coverage check check-asan check-clang check-tidy check-fuzz check-slow check-sim check-tsan \
	check-alloc check-attack check-instructions check-cross check-format format install uninstall clean help

build:
	cmake -S . -B $(BUILD) -DSKT_WERROR=$(WERROR) $(CMAKE_FLAGS)
	cmake --build $(BUILD) -j $(JOBS)

run:
	sh tools/install-deps.sh build
	cmake -S . -B $(BUILD) -DSKT_WERROR=$(WERROR) $(CMAKE_FLAGS)
	cmake --build $(BUILD) -j $(JOBS) --target skcptun
	$(BUILD)/skcptun demo $$(test -t 1 || echo --seconds 20) $(DEMO)

test:
	sh tools/install-deps.sh test
	cmake -S . -B $(BUILD) -DSKT_WERROR=$(WERROR) -DSKT_TESTS=ON $(CMAKE_FLAGS)
	cmake --build $(BUILD) -j $(JOBS)
	cd $(BUILD) && SKT_NICE=10 ctest --output-on-failure -j $$(($(JOBS) + 1))

# After each save: what takes next to no time, of the unit tests. Nothing is installed.
fast:
	@[ -e $(BUILD)/tests/CTestTestfile.cmake ] || cmake -S . -B $(BUILD) -DSKT_WERROR=$(WERROR) -DSKT_TESTS=ON $(CMAKE_FLAGS)
	@cmake --build $(BUILD) -j $(JOBS) --target unit_tests
	@cd $(BUILD) && ctest --progress --output-on-failure -j $$((2 * $(JOBS))) -L unit -LE slow-unit

# Against another implementation of KCP, in Go.
interop:
	sh tools/install-deps.sh interop
	cmake -S . -B $(BUILD) -DSKT_WERROR=$(WERROR) -DSKT_LAB=ON $(CMAKE_FLAGS)
	cmake --build $(BUILD) -j $(JOBS) --target kcp_echo
	bash tests/interop/run.sh $(BUILD)

# The same work through this tunnel and through others, measured and drawn; as root. Rewrites doc/performance.md with
# COMPARE=--doc.
compare:
	$(LAB)
	lab/compare --build $(abspath $(BUILD)) $(COMPARE)

# Everything that is too slow for `make test`.
check: check-format check-clang check-asan interop check-fuzz check-tidy check-sim check-attack check-instructions check-slow \
	check-cross check-alloc check-tsan coverage

check-format:
	sh tools/install-deps.sh check
	clang-format --dry-run -Werror $(SOURCES)

check-clang:
	sh tools/install-deps.sh check
	CC=clang cmake -S . -B $(BUILD)-clang -DSKT_WERROR=ON -DSKT_TESTS=ON
	cmake --build $(BUILD)-clang -j $(JOBS)
	cd $(BUILD)-clang && ctest --output-on-failure -j $(JOBS) -L 'unit|static'

# Whole lives in which the n-th allocation fails, and that one and many after it.
check-alloc:
	sh tools/install-deps.sh test
	cmake -S . -B $(BUILD)-asan $(SANITIZED)
	cmake --build $(BUILD)-asan -j $(JOBS) --target test_script_alloc
	SKT_ALLOC_STEP=$(ALLOC_STEP) SKT_ALLOC_JOBS=$(ALLOC_JOBS) ASAN_OPTIONS=detect_leaks=1 $(BUILD)-asan/tests/test_script_alloc

# AddressSanitizer and UndefinedBehaviorSanitizer over all of it, with less data in the slow tests.
check-asan:
	sh tools/install-deps.sh test
	cmake -S . -B $(BUILD)-asan $(SANITIZED)
	cmake --build $(BUILD)-asan -j $(JOBS)
	cd $(BUILD)-asan && SKT_NICE=10 SKT_NETNS_SCALE=$(SCALE) ctest --output-on-failure $(if $(CI),--stop-on-failure) -j $$(($(JOBS) + 1))

# ThreadSanitizer over what has threads: name servers are asked and sockets opened by some, children and logs are watched.
# Its memory map does not fit where addresses are very random.
check-tsan:
	sh tools/install-deps.sh test
	cmake -S . -B $(BUILD)-tsan -DSKT_SANITIZE_THREADS=ON -DSKT_WERROR=ON -DSKT_TESTS=ON
	cmake --build $(BUILD)-tsan -j $(JOBS)
	cd $(BUILD)-tsan && $$(setarch -R true 2>/dev/null && echo setarch -R) ctest --output-on-failure -j $(JOBS) \
		-R '^(base\.log|io\.|netcfg\.|tunnel\.|script\.)' -E '^script\.alloc$$'

# Which part of the lines the unit tests and those of the command line run.
coverage:
	sh tools/install-deps.sh test
	cmake -S . -B $(BUILD)-coverage -DCMAKE_BUILD_TYPE=Coverage -DSKT_COVERAGE=ON -DSKT_WERROR=$(WERROR) -DSKT_TESTS=ON
	cmake --build $(BUILD)-coverage -j $(JOBS)
	find $(BUILD)-coverage -name '*.gcda' -delete
	cd $(BUILD)-coverage && ctest --output-on-failure -j $(JOBS) -L 'unit|cli' -E '^script\.alloc$$'
	python3 tools/coverage.py $(BUILD)-coverage --at-least proto=90

check-tidy:
	sh tools/install-deps.sh check
	CC=clang cmake -S . -B $(BUILD)-clang -DSKT_WERROR=ON -DSKT_TESTS=ON
	cmake --build $(BUILD)-clang -j $(JOBS)
	find src -name '*.c' | grep -v _darwin | xargs -n 4 -P $(JOBS) clang-tidy --quiet -p $(BUILD)-clang

check-fuzz:
	sh tools/install-deps.sh check
	CC=clang cmake -S . -B $(BUILD)-fuzz -DSKT_FUZZ=ON -DSKT_WERROR=ON -DSKT_TESTS=OFF -DSKT_LAB=OFF
	cmake --build $(BUILD)-fuzz -j $(JOBS)
	cd $(BUILD)-fuzz && ctest --output-on-failure -j $(JOBS) -L fuzz

# The tests marked slow: valgrind over a whole run, long outages.
check-slow:
	$(LAB)
	sh tools/install-deps.sh check
	SKCPTUN=$(abspath $(BUILD))/skcptun SKT_LINK=$(abspath $(BUILD))/skt-link PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 -m pytest -q -rs -p no:cacheprovider -m slow tests/netns

# A client with good keys and bad manners beside an honest one, each attack for this long. Shares and delays are printed.
# ATTACK_FLOOD_SECONDS: how long floods last beside which sessions get new keys, every two minutes.
ATTACK_SECONDS ?= 8
ATTACK_FLOOD_SECONDS ?= 140
check-attack:
	sh tools/install-deps.sh test
	cmake -S . -B $(BUILD) -DSKT_WERROR=$(WERROR) -DSKT_TESTS=ON $(CMAKE_FLAGS)
	cmake --build $(BUILD) -j $(JOBS)
	cd $(BUILD) && SKT_ATTACK_SECONDS=$(ATTACK_SECONDS) ctest --verbose -R '^attack$$'
	SKT_BUILD=$(abspath $(BUILD)) SKCPTUN=$(abspath $(BUILD))/skcptun SKT_LINK=$(abspath $(BUILD))/skt-link \
		SKT_ATTACK_FLOOD_SECONDS=$(ATTACK_FLOOD_SECONDS) PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 -m pytest -q -rs -p no:cacheprovider -m slow tests/attack

# What `make test` takes a sample of, whole (tests/README.md); the congestion control scenarios with thousands of seeds, in
# portions.
check-sim:
	cmake -S . -B $(BUILD) -DSKT_WERROR=$(WERROR) -DSKT_TESTS=ON $(CMAKE_FLAGS)
	cmake --build $(BUILD) -j $(JOBS) --target unit_tests
	cd $(BUILD) && SKT_FULL=1 ctest --output-on-failure -j $(JOBS) -L slow-unit
	sh tests/proto/many_seeds.sh $(BUILD)/tests/test_proto $(SEEDS) $(JOBS)

# What a KiB of payload costs in instructions, against a stored bound.
check-instructions:
	cmake -S . -B $(BUILD) -DSKT_WERROR=$(WERROR) -DSKT_TESTS=ON $(CMAKE_FLAGS)
	cmake --build $(BUILD) -j $(JOBS) --target guard_load guard_frames
	sh tests/guard/run.sh $(BUILD)/tests/guard_load || [ $$? -eq 77 ]
	sh tests/guard/frames.sh $(BUILD)/tests/guard_frames || [ $$? -eq 77 ]

# For other machines, with warnings as errors: what runs Linux is tested under emulation, what doesn't is linked. The
# compiler and the libraries are kept in build-cross/; making them takes ten minutes of two idle cores a target.
check-cross: build
	sh tools/install-deps.sh cross
	@set -e; for target in $(CROSS); do \
		case $$target in *-macos) test= ;; *) test=--test ;; esac; \
		SKCPTUN=$(abspath $(BUILD))/skcptun sh tools/cross-build.sh $$target $$test; \
	done

format:
	clang-format -i $(SOURCES)

# Builds first where there is nothing: as a user, then again as root, which builds nothing.
install: build
	cmake --install $(BUILD)

# What the last `make install` from here has put into place; folders are left that others use, too.
uninstall:
	sh tools/uninstall.sh $(BUILD)/install_manifest.txt

clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-coverage $(BUILD)-clang $(BUILD)-fuzz

help:
	@echo 'make             build into $(BUILD)/ (dependencies must be there)'
	@echo 'make run         install what is missing, build, run skcptun demo; DEMO="--loss 5 --rtt 160"'
	@echo 'make test        install what is missing, build, run all tests'
	@echo 'make fast        build and run the quick unit tests, after each save'
	@echo 'make coverage    which part of the lines the tests run'
	@echo 'make check       sanitizers, clang, clang-tidy, fuzzers, interop, slow tests, format, check-cross'
	@echo 'make check-cross  builds for mips and macOS, tests under emulation; CROSS="arm-linux-musleabihf"'
	@echo 'make interop     our KCP against an independent one'
	@echo 'make compare     measure beside other tunnels; COMPARE=--quick'
	@echo 'make install     install the program and its documents (as root); make uninstall takes them away'
	@echo 'make format      lay out the sources; make clean  remove what was built'
