set -e
git fetch -q; git rebase -q origin/main || { git status --short | grep "^UU\|^AA"; exit 1; }
