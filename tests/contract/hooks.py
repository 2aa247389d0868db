"""What schemathesis must not do: change or delete what it stands on, such as the key that it was given."""

import os

import schemathesis

KEPT = set(os.environ["KEPT"].split())


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.method not in ("DELETE", "PATCH", "PUT"):
        return
    for name, value in (case.path_parameters or {}).items():
        if isinstance(value, str) and value in KEPT:
            case.path_parameters[name] = "other.example" if "." in value else "01900000-0000-7000-8000-000000000000"
