"""Print the state of every node of an ecFlow server: `python examples/ecflow_states.py HOST PORT`."""

import sys

from watchman_cli.ecflow_client import Access, Client, EcflowError

try:
    for node in Client(Access(sys.argv[1], int(sys.argv[2]))).full_sync():
        print(node.path, node.state.dstate)
except EcflowError as error:
    sys.exit(f"{error.kind}: {error}")
