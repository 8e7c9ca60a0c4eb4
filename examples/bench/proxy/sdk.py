"""Makes calls with Verizon's SDK, as many at once as each line of the input says.

Its arguments are the address of the service without the path, and what it logs in with.
Each line is a number of threads, each with a client of its own, and a number of calls for
each of them. The response to it is one line: the time that all took, and that of each
call, in seconds.
"""

import sys
from threading import Thread
from time import perf_counter

from verizon.configuration import Configuration, Environment
from verizon.http.auth.thingspace_oauth import ThingspaceOauthCredentials
from verizon.http.auth.vz_m2m_token import VZM2mTokenCredentials
from verizon.models.log_in_request import LogInRequest
from verizon.verizon_client import VerizonClient

ACCOUNT = "0000123456-00001"

address, key, secret, username, password = sys.argv[1:]
servers = Configuration.environments[Environment.PRODUCTION]
for server, url in servers.items():
    servers[server] = url.replace("https://thingspace.verizon.com", address)


def client(token):
    return VerizonClient(
        thingspace_oauth_credentials=ThingspaceOauthCredentials(key, secret),
        vz_m2m_token_credentials=VZM2mTokenCredentials(token),
    )


def make(client, calls, took):
    accounts = client.accounts
    for _ in range(calls):
        started = perf_counter()
        account = accounts.get_account_information(ACCOUNT).body
        took.append(perf_counter() - started)
        assert account.account_name == ACCOUNT, account


login = client("none yet").session_management.start_connectivity_management_session(
    body=LogInRequest(username=username, password=password))
for line in sys.stdin:
    threads, calls = map(int, line.split())
    clients = [client(login.body.session_token) for _ in range(threads)]
    for one in clients:
        # Its bearer token, and its connection.
        make(one, 1, [])
    took = [[] for _ in clients]
    running = [Thread(target=make, args=(one, calls, of)) for one, of in zip(clients, took)]
    started = perf_counter()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    whole = perf_counter() - started
    each = [time for of in took for time in of]
    assert len(each) == threads * calls, "a call failed"
    print(whole, *each, flush=True)
