#!/usr/bin/env bash
# All that wants a GPU, most wanted first, each result written as soon as it exists: cut it off at any moment.
#   benchmarks/gpu.sh CIFAR10.npz OUT_FOLDER
# Needs torch, torchvision, numpy, pandas, safetensors and pytest; nothing else of the lab.
set -u
data=$1
out=$2
mkdir -p "$out"
python=${PYTHON:-python3}
export PYTHONUNBUFFERED=1

echo "== tests that need a GPU"
"$python" -m pytest tests/training tests/data/test_batches.py -q -p no:cacheprovider >"$out/gpu_tests.txt" 2>&1
tail -n 3 "$out/gpu_tests.txt"

echo "== throughput"
timeout 240 "$python" -m benchmarks.throughput --out "$out/throughput_gpu.json" || echo "throughput: cut off or failed"

echo "== the gallery"
for run in plain-20:0 plain-56:0 resnet-20:0 resnet-56:0 resnet-110:0 plain-32:0 resnet-32:0 plain-44:0 resnet-44:0 \
  plain-20:1 plain-56:1 resnet-20:1 resnet-56:1 highway-19:0 preact-110:0 plain-110:0; do
  name=${run%:*}
  case $name in *-110) recipe=paper-110 ;; *) recipe=paper ;; esac
  "$python" -m benchmarks.bare train --preset "$name" --recipe "$recipe" --seed "${run#*:}" --data "$data" --out "$out" ||
    echo "$name failed"
done
