# Sourced by run, newest, lowest and lock: the README's own commands in a fresh environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The command after a marker comment in the README, so that README and CI cannot drift apart.
readme_command() {
  local command
  command=$(awk -v marker="<!-- $1 -->" '$0 == marker {found = 1; next} found && /^(pip|python) / {print; exit}' README.md)
  [ -n "$command" ] || { echo "README.md has no command after <!-- $1 -->" >&2; exit 1; }
  echo "$command"
}

fresh_environment() {
  environment=$(mktemp -d)
  trap 'rm -rf "$environment"' EXIT
  "${PYTHON:-python3}" -m venv "$environment"
  # shellcheck disable=SC1091
  . "$environment/bin/activate"
  export PIP_QUIET=1 PIP_DISABLE_PIP_VERSION_CHECK=1 HF_HUB_OFFLINE=1
  # Nothing kept from an earlier run.
  export SKLW_CACHE="$environment/cache"
}

# Run both commands of the README with these arguments of pip in place of the lock. The main job
# comes first, before the tests bring packages that could hide a missing dependency.
main_job_and_tests() {
  local lock="-c .ci/constraints.txt" main tests
  main=$(readme_command main-command)
  tests=$(readme_command test-command)
  main=${main//$lock/$1}
  tests=${tests//$lock/$1}
  echo "== main job: $main --quick"
  eval "$main --quick"
  echo "== tests: $tests"
  eval "$tests"
}
