"""What users have today, in one process with the bindings: run by the interpreter that has them.

Its arguments are hosts and ports. Each server has a thread, as in a daemon, which syncs and encodes
the path and state of each node; it writes nothing.
"""

import json
import sys
import threading

import ecflow


def read(address: str) -> None:
    host, port = address.split(":")
    client = ecflow.Client(host, port)
    client.sync_local()
    records = [
        {"path": node.get_abs_node_path(), "status": str(node.get_dstate())}
        for node in client.get_defs().get_all_nodes()
    ]
    json.dumps(records)


threads = [threading.Thread(target=read, args=(address,)) for address in sys.argv[1:]]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
