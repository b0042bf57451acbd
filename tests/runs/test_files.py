import os
import subprocess
import sys
import time

from resnet_core.processes import process_tag
from resnet_core.runs import files


def test_a_file_is_there_whole_and_nothing_beside_it(tmp_path):
    files.write_whole(tmp_path / "r1" / "weights.safetensors", b"all of it")
    assert [path.name for path in (tmp_path / "r1").iterdir()] == ["weights.safetensors"]
    assert (tmp_path / "r1" / "weights.safetensors").read_bytes() == b"all of it"


def test_what_a_killed_process_was_writing_is_cleared_and_nothing_else(tmp_path):
    code = "from resnet_core.processes import process_tag; print(process_tag())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    folder = tmp_path / "r1"
    folder.mkdir()
    names = {
        f"checkpoint-000000100.safetensors.{ended}.tmp": False,
        f"checkpoint-000000200.safetensors.{process_tag()}.tmp": True,  # being written now
        "checkpoint-000000300.safetensors.4711.tmp": False,  # of an older version, a day old
        "checkpoint-000000400.safetensors": True,
    }
    for name in names:
        (folder / name).write_bytes(b"half")
    os.utime(folder / "checkpoint-000000300.safetensors.4711.tmp", (time.time() - 90_000,) * 2)
    files.clear_leftovers(tmp_path)
    assert {name: (folder / name).exists() for name in names} == names
