import subprocess
import sys

from tests.running import ROOT

ASK = """
import numpy
from reeltune.search.single_thread import one_thread
with one_thread():
    pass
import scipy.linalg
from threadpoolctl import threadpool_info
with one_thread():
    print({library["num_threads"] for library in threadpool_info()})
"""


def test_libraries_loaded_after_the_first_use_have_one_thread_too() -> None:
    said = subprocess.run([sys.executable, "-c", ASK], cwd=ROOT, capture_output=True, check=True)
    assert said.stdout.decode().strip() == "{1}"
