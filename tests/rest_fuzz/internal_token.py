# Loaded by schemathesis (SCHEMATHESIS_HOOKS): a fresh internal token now and then, because none lives for longer than a minute.
import os
import subprocess

import schemathesis


@schemathesis.auth(refresh_interval=30)
class InternalToken:
    def get(self, case, context):
        command = [os.environ["CARILLON_BINARY"], "token", "--internal", "--data-dir", os.environ["CARILLON_DATA"]]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"
