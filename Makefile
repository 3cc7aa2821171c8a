# The README's commands. Each works as the only command on a fresh Debian or Ubuntu machine that has
# python3, git and make: it installs what is missing, as root or with sudo.
.DEFAULT_GOAL := help
.PHONY: help demo test test-unit mutants fuzz test-releases roots test-pythons coverage install release deb test-deb lint audit docs bench soak servers browser systemd slurm strace network locked lock

PYTHON ?= python3
# Debian has ecflow_server in /usr/sbin, which is not in an ordinary user's PATH.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin
unexport PYTHONDONTWRITEBYTECODE  # with it, each process of tests would compile all tests again
# Tests wait more than they compute: two at once for each core, and not so many that servers run short of ports.
WORKERS := $(shell n=$$(nproc); echo $$((n < 8 ? 2 * n : 16)))
MORE_WORKERS := $(shell n=$$(nproc); echo $$((n < 5 ? 3 * n : 16)))  # for those that arrange faults, which wait most
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get

help:  ## Print these lines
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 22

demo: .venv/bin/watchman servers  ## Watch a small real suite on private servers, then clean up
	@.venv/bin/python -m tests.demo

test: .venv/.dev servers browser systemd slurm strace network .venv/promtool .venv/monitoring .venv/plugins .venv/cron  ## Run the whole test suite
	.venv/bin/python -m pytest -n $(WORKERS) --dist worksteal

# A test that is measured takes nearly twice as long: those that kill, repeat and arrange faults are not.
coverage: .venv/.dev servers browser systemd slurm strace network .venv/promtool .venv/monitoring .venv/plugins .venv/cron  ## Run the whole test suite and measure the branches taken
	.venv/bin/coverage erase
	.venv/bin/coverage run -m pytest -n $(WORKERS) --dist worksteal -m measured tests/unit tests/integration
	.venv/bin/coverage combine -q
	.venv/bin/coverage report
	.venv/bin/python -m pytest -n $(MORE_WORKERS) --dist worksteal -m 'not measured' tests/integration tests/faults tests/soak tests/docs tests/fuzz tests/system

test-unit: .venv/.dev  ## Run only the tests that need no server, in seconds
	.venv/bin/python -m pytest tests/unit

fuzz: .venv/.dev servers  ## Search at random for what breaks a test, for SECONDS (60), and mutate COUNT (20000) replies; SEED=N and REPLIES=N repeat a round
	.venv/bin/python -m tests.fuzz $(or $(SECONDS),60) --workers $(WORKERS) $(if $(SEED),--seed $(SEED))
	.venv/bin/python -m tests.fuzz.replies --count $(or $(COUNT),20000) $(if $(REPLIES),--seed $(REPLIES))

mutants: .venv/.dev  ## Count the small mistakes in the code that the unit tests notice
	@.venv/bin/python -c 'import mutmut' 2>/dev/null || .venv/bin/python -m pip install -q --disable-pip-version-check -e '.[mutants]'
	.venv/bin/python -m tests.mutants

test-releases: roots .venv/.dev  ## Test against the ecFlow of Debian 11, 12, 13 and unstable, as root
	.venv/bin/python -m pytest -n $(WORKERS) --dist worksteal tests/releases

roots: .venv/bin/python servers
	@[ "$$(id -u)" = 0 ] || { echo 'make test-releases needs root: it makes roots of Debian releases'; exit 1; }
	@.venv/bin/python -m tests.support.release | xargs -r -n 2 -P 2 tests/releases/make_root

test-pythons: .venv/.dev  ## Run the unit tests on each other Python from 3.10 to 3.14 that is here
	tests/unit/on_each_python

# A user who may not write here could not keep what Python compiles, and would compile it in each run. By the files'
# times, as Python does itself: a file that `git pull` brings is compiled again.
install: .venv/bin/watchman  ## Make .venv/bin/watchman, ready to run
	.venv/bin/python -m compileall -q --invalidation-mode timestamp watchman_cli
	@.venv/bin/watchman --version

release: .venv/.dev  ## Build the wheel and the source distribution in dist/, and check them; nothing is signed or published
	packaging/release

deb:  ## Build the Debian package in dist/, on Debian 12 or 13
	@dpkg-checkbuilddeps packaging/debian/control 2>/dev/null || \
	{ echo "Installing what builds it" && $(APT) update -qq && \
	$(APT) install -qq -y --no-install-recommends dpkg-dev >/dev/null && \
	$(APT) build-dep -qq -y --no-install-recommends ./packaging >/dev/null; }
	packaging/deb

# Some minutes, most of them Debian's packages: not a part of `make test`.
test-deb: deb .venv/.dev servers  ## Install, run, upgrade and purge the packages in dist/ in bare roots of Debian, as root
	@[ "$$(id -u)" = 0 ] || { echo 'make test-deb needs root: it makes roots of Debian'; exit 1; }
	@{ command -v lintian && command -v mmdebstrap && command -v man; } >/dev/null || { echo "Installing what tests it" && $(APT) update -qq && \
	$(APT) install -qq -y --no-install-recommends lintian mmdebstrap man-db debian-archive-keyring >/dev/null; }
	.venv/bin/python -m pytest -p no:xdist tests/packages

lint: .venv/.dev  ## Check format, style and types
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy

audit: .venv/.dev .venv/audit  ## Look for insecure code, and for known vulnerabilities if their service can be reached
	.venv/bin/bandit -q -r watchman_cli -c pyproject.toml
	.venv/bin/python -m tests.audit

docs: .venv/.dev servers browser  ## Write what the documentation takes from the code, and build it in site/
	.venv/bin/python -m tests.docs.generate
	NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --strict --quiet

bench: .venv/.dev servers browser  ## Measure, side by side with the bare bindings, as ratios
	.venv/bin/python -m benchmarks

soak: .venv/.dev servers  ## Compare incremental with full syncs at random, until interrupted
	.venv/bin/python -m tests.soak.soak

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo 'watchman needs Python 3.10 or newer (make PYTHON=...)'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(APT) update -qq && $(APT) install -qq -y --no-install-recommends python3-venv >/dev/null; }
	$(PYTHON) -m venv .venv

.venv/bin/watchman: .venv/bin/python pyproject.toml
	.venv/bin/python -m pip install -q --disable-pip-version-check --compile -e .
	@touch $@

# The newest pip takes half as long to find out what to install, here and in test-pythons.
.venv/.dev: .venv/bin/python pyproject.toml
	.venv/bin/python -m pip install -q --disable-pip-version-check --no-compile -U pip
	.venv/bin/python -m pip install -q --disable-pip-version-check --no-compile -e '.[dev]'
	@touch .venv/bin/watchman $@

locked: .venv/bin/python  ## Make .venv/locked, the development environment of requirements/dev.txt, by its hashes
	@rm -rf .venv/locked && .venv/bin/python -m venv .venv/locked
	.venv/locked/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	.venv/locked/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@.venv/locked/bin/python -m pip check

lock: .venv/bin/python  ## Write requirements/dev.txt anew: the newest versions for all Pythons, with their hashes
	@.venv/bin/python -m venv .venv/lock && .venv/lock/bin/python -m pip install -q --disable-pip-version-check uv
	.venv/lock/bin/uv pip compile -q --generate-hashes --universal --python-version 3.10 --extra dev \
	  --no-emit-package watchman-cli --no-header --no-emit-index-url pyproject.toml -o requirements/dev.txt
	@rm -rf .venv/lock

# In an environment of its own: what the tests use is not changed while they run.
.venv/audit: .venv/bin/python
	@rm -rf .venv/audit.part && .venv/bin/python -m venv .venv/audit.part && \
	.venv/audit.part/bin/pip install -q --disable-pip-version-check 'pip-audit>=2.9' && mv .venv/audit.part .venv/audit

# The program alone, of Debian's promtool, or of prometheus up to Debian 12, which would start a service.
.venv/promtool: .venv/bin/python
	@apt-cache show prometheus >/dev/null 2>&1 || $(APT) update -qq
	@cd .venv && package=$$(apt-cache show promtool >/dev/null 2>&1 && echo promtool || echo prometheus) && \
	echo "Fetching promtool" && rm -f $${package}_*.deb && \
	{ apt-get download -qq $$package 2>/dev/null || { $(APT) update -qq && apt-get download -qq $$package; }; } && \
	dpkg-deb --fsys-tarfile $${package}_*.deb | tar -xO ./usr/bin/promtool >promtool.part && \
	chmod +x promtool.part && mv promtool.part promtool && rm $${package}_*.deb

# Prometheus, Alertmanager and node_exporter of Debian, unpacked: to install them would start services.
.venv/monitoring: .venv/bin/python
	@apt-cache show prometheus >/dev/null 2>&1 || $(APT) update -qq
	@rm -rf .venv/monitoring.part && mkdir .venv/monitoring.part && cd .venv/monitoring.part && \
	packages="prometheus prometheus-alertmanager prometheus-node-exporter" && echo "Fetching $$packages" && \
	{ apt-get download -qq $$packages 2>/dev/null || { $(APT) update -qq && apt-get download -qq $$packages; }; } && \
	for package in *.deb; do dpkg-deb -x $$package . || exit; rm $$package; done && cd .. && mv monitoring.part monitoring

# cron of Debian, unpacked, and a library that makes its minutes short.
.venv/cron: .venv/bin/python
	@apt-cache show cron >/dev/null 2>&1 || $(APT) update -qq
	@rm -rf .venv/cron.part && mkdir .venv/cron.part && cd .venv/cron.part && \
	packages="cron libfaketime" && echo "Fetching $$packages" && \
	{ apt-get download -qq $$packages 2>/dev/null || { $(APT) update -qq && apt-get download -qq $$packages; }; } && \
	for package in *.deb; do dpkg-deb -x $$package . || exit; rm $$package; done && cd .. && mv cron.part cron

# Icinga 2 and Nagios 4 of Debian with the libraries that are missing here, unpacked: to install them would start services.
.venv/plugins: .venv/bin/python
	@apt-cache show icinga2-bin >/dev/null 2>&1 || $(APT) update -qq
	@rm -rf .venv/plugins.part && mkdir .venv/plugins.part && cd .venv/plugins.part && \
	packages="icinga2-bin icinga2-common nagios4-core nagios4-common" && echo "Fetching $$packages" && \
	fetch() { apt-get download -qq $$({ echo $$packages; apt-get install -s --no-install-recommends $$packages | \
	awk '/^Inst/ {print $$2}'; } | xargs -n 1 | sort -u) 2>/dev/null; } && { fetch || { $(APT) update -qq && fetch; }; } && \
	for package in *.deb; do dpkg-deb -x $$package . || exit; rm $$package; done && cd .. && mv plugins.part plugins

# The real servers that the demo, the tests and the benchmarks start for themselves.
servers:
	@missing=; \
	command -v ecflow_server >/dev/null || missing="$$missing ecflow-server"; \
	command -v ecflow_client >/dev/null || missing="$$missing ecflow-client"; \
	/usr/bin/python3 -c 'import ecflow' 2>/dev/null || [ -n "$$WATCHMAN_ECFLOW_PYTHON" ] || missing="$$missing python3-ecflow"; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	command -v openssl >/dev/null || missing="$$missing openssl"; \
	[ -x /usr/lib/nagios/plugins/negate ] || missing="$$missing monitoring-plugins-basic"; \
	[ -z "$$missing" ] || { echo "Installing$$missing" && $(APT) update -qq && \
	$(APT) install -qq -y --no-install-recommends $$missing >/dev/null; }

# The browser in which the page is tested: with all that it needs it takes 410 MB, so the demo does without.
browser:
	@[ -x /usr/bin/chromium ] || { echo "Installing chromium" && $(APT) update -qq && \
	$(APT) install -qq -y --no-install-recommends chromium >/dev/null; }

# Its systemd-analyze holds the units to what they may do. Nothing is started: there is no system in a container.
systemd:
	@command -v systemd-analyze >/dev/null || { echo "Installing systemd" && $(APT) update -qq && \
	$(APT) install -qq -y --no-install-recommends systemd >/dev/null; }

# The scheduler for which the example of an array is. Without a configuration its services do not start.
slurm:
	@command -v slurmctld >/dev/null || [ -x /usr/sbin/slurmctld ] || { echo "Installing slurm" && $(APT) update -qq && \
	$(APT) install -qq -y --no-install-recommends slurmctld slurmd slurm-client >/dev/null; }

# With it, the test of what a run touches sees each file, address and program.
strace:
	@command -v strace >/dev/null || { echo "Installing strace" && $(APT) update -qq && \
	$(APT) install -qq -y --no-install-recommends strace >/dev/null; }

# With it, several hosts are namespaces with a network of their own.
network:
	@command -v ip >/dev/null || { echo "Installing iproute2" && $(APT) update -qq && \
	$(APT) install -qq -y --no-install-recommends iproute2 >/dev/null; }
