#!/usr/bin/env bash
# ShellCheck over every shell script of the tree, by what it says it is, so that a new script cannot be forgotten. The parts of
# node/ are one script, and are linted as one.
set -euo pipefail
cd "$(dirname "$0")/.."
node --import tsx tests/lintNode.ts
git ls-files -z --cached --others --exclude-standard -- ':!*.ts' ':!tests/system/cases/data' ':!node' |
  xargs -0 grep -lE '^#!.*(/|env )(ba)?sh$|^# shellcheck shell=' |
  xargs shellcheck --external-sources
