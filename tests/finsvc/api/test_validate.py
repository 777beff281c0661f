from tests.finsvc.api.fakes import World

CALL = {"calculator": "close", "inputs": {"instrument": "AAPL"}}


def test_text_is_judged_over_http(world: World) -> None:
    client = world.client()
    answer = client.post("/v1/validate", json={"text": "VaR is 5 USD."})
    assert (answer.status_code, answer.json()["verdict"]) == (200, "unverified")
    assert client.post("/v1/validate", json={"text": ""}).status_code == 400
    assert world.client(who=None).post("/v1/validate", json={"text": "x"}).status_code == 401


def test_calculator_of_a_text_is_run_for_the_caller(world: World) -> None:
    # The double answers with what it was given, which is no result: the run itself is seen.
    answer = world.client().post("/v1/validate", json={"text": "It is 5.", "results": [CALL]})
    assert answer.status_code == 400
