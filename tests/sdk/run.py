"""Runs the scenarios of this folder: the official SDKs, the gateway, and the emulator behind it as a proxy.

    python run.py --binary target/debug/openclaw [--ai-sdk <folder>] [test name ...]

The folder is `ai-sdk` with its packages installed; without it the Vercel AI SDK is not tested, which is said loudly.

Everything lives in a temporary home on loopback ports. The exit code is 0 when every scenario passed, both servers
ended well, and neither the provider's key nor the gateway's token was seen where it must not be.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import unittest

# The working copy stays as it is.
sys.dont_write_bytecode = True

import stand  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, type=pathlib.Path)
    parser.add_argument("--ai-sdk", type=pathlib.Path, help="folder with the packages of the Vercel AI SDK")
    parser.add_argument("names", nargs="*", help="tests to run instead of all, such as test_chat")
    arguments = parser.parse_args()
    stand.ai_sdk = arguments.ai_sdk and arguments.ai_sdk.resolve()
    # The SDK talks to loopback only, whatever proxy this machine uses.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    with tempfile.TemporaryDirectory(prefix="openclaw-sdk-") as folder:
        with stand.Stand(arguments.binary.resolve(), pathlib.Path(folder)) as running:
            stand.running = running
            passed = run_tests(arguments.names)
        problems = running.problems()
    for problem in problems:
        print(f"FAILED: {problem}", file=sys.stderr)
    return 0 if passed and not problems else 1


def run_tests(names: list[str]) -> bool:
    loader = unittest.TestLoader()
    folder = str(pathlib.Path(__file__).parent)
    suite = loader.loadTestsFromNames(names) if names else loader.discover(folder)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    return result.wasSuccessful() and result.testsRun > 0


if __name__ == "__main__":
    sys.exit(main())
