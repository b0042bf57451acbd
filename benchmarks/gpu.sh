#!/usr/bin/env bash
# All that wants a GPU, most wanted first, each result written as soon as it exists: cut it off at any moment.
#   benchmarks/gpu.sh CIFAR10.npz OUT_FOLDER            tests, speed, then the paper's runs of the gallery, four at once
#   benchmarks/gpu.sh CIFAR10.npz OUT_FOLDER RUN ...    only these runs, going on with what lies in OUT_FOLDER
# Needs torch, torchvision, numpy, pandas, safetensors and pytest; nothing else of the lab. Afterwards:
#   python -m benchmarks.bare collect OUT_FOLDER --gallery assets/gallery && python -m benchmarks.gallery_table
set -u
data=$1
out=$2
shift 2
mkdir -p "$out"
python=${PYTHON:-python3}
export PYTHONUNBUFFERED=1

if [ $# -eq 0 ]; then
  echo "== tests that need a GPU"
  "$python" -m pytest tests/training tests/data/test_batches.py -q -p no:cacheprovider >"$out/gpu_tests.txt" 2>&1
  tail -n 3 "$out/gpu_tests.txt"

  echo "== throughput"
  timeout 240 "$python" -m benchmarks.throughput --out "$out/throughput_gpu.json" || echo "throughput: cut off or failed"
  timeout 120 "$python" -m benchmarks.side_by_side --out "$out/side_by_side_gpu.json" || echo "side by side: cut off or failed"

  # Unquoted: one word a run.
  set -- $("$python" -c 'from resnet_core.gallery.wanted import PAPER; print(*(run.name for run in PAPER))')
fi

echo "== the gallery, four at once"
"$python" -m benchmarks.bare train "$@" --side-by-side 4 --data "$data" --out "$out"
