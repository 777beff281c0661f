"""Other names for tools, arguments, result fields and descriptions, for varied tool lists."""

# Templates stay on one line each, however long: a break would become part of the text.
# ruff: noqa: E501

from engine.training.dialogues.grammar import lines


def _table(text: str) -> dict[str, tuple[str, ...]]:
    rows = (line.partition(":") for line in lines(text))
    return {key.strip(): tuple(rest.split()) for key, _, rest in rows}


def _sentences(text: str) -> dict[str, tuple[str, ...]]:
    result: dict[str, list[str]] = {}
    for line in lines(text):
        key, _, rest = line.partition(":")
        result.setdefault(key.strip(), []).append(rest.strip())
    return {key: tuple(value) for key, value in result.items()}


TOOL_NAMES = _table("""
value_at_risk: var value_at_risk portfolio_var var_model risk_var loss_quantile position_var var_figure market_risk_var
expected_shortfall: expected_shortfall es cvar tail_loss expected_tail_loss conditional_var average_tail_loss portfolio_es
stress_test: stress stress_test scenario_loss shock_test run_scenario stress_scenario what_if scenario_analysis crisis_test
exposure: exposure exposures breakdown exposure_report risk_exposure exposure_by_group position_breakdown
profit_and_loss: pnl profit_and_loss profit_loss book_pnl gain_loss period_pnl trading_result pl_between
option_price: option_price price_option option_value option_premium black_scholes option_valuation european_option
option_greek: greek option_greek option_sensitivity greeks option_risk option_delta_etc sensitivity
price: price close closing_price last_price quote instrument_price market_price spot_price asset_price
price_change: price_change price_return performance price_move return_between pct_change instrument_return
volatility: volatility vol realised_vol historical_volatility price_vol realized_volatility sigma vol_estimate
correlation: correlation corr correlation_coefficient pair_correlation co_movement return_correlation
beta: beta market_beta beta_to_index regression_beta beta_coefficient systematic_risk
drawdown: drawdown max_drawdown maximum_drawdown peak_to_trough worst_drawdown largest_fall
convert_currency: convert_currency convert currency_conversion fx_convert exchange_amount convert_amount money_convert
fx_rate: fx_rate exchange_rate currency_rate spot_rate pair_rate fx_quote forex_rate
limit_check: limit_check check_limits limits limit_status limit_report compliance_check breach_check
large_exposures: large_exposures concentrations big_positions concentration_check large_positions name_concentration
positions: positions holdings position_list book_contents book_positions portfolio_holdings inventory
""")

ARGUMENT_NAMES = _table("""
portfolio: portfolio book account position fund subject holding portfolio_name book_name target desk
confidence: confidence level confidence_level alpha probability percentile conf quantile_level cl
horizon: horizon holding_period period time_horizon days tenor holding
method: method model approach methodology technique calculation_method
as_of: as_of date valuation_date on as_of_date cob_date value_date on_date
scenario: scenario shock event stress scenario_name stress_scenario
by: by dimension group_by breakdown grouping split_by
start: start from_date start_date begin since first_date period_start
end: end to_date end_date until last_date period_end
underlying: underlying asset underlying_asset stock index_or_stock und
option_type: option_type type call_or_put kind right put_call
strike: strike strike_price exercise_price k
expiry: expiry maturity expiration expiration_date expires tenor
greek: greek sensitivity which_greek measure greek_name
instrument: instrument ticker asset security symbol name stock
window: window lookback observation_window history sample_period lookback_period
first: first instrument_1 asset_a first_instrument left x
second: second instrument_2 asset_b second_instrument right y
benchmark: benchmark index reference market benchmark_index against
amount: amount value sum quantity money notional
from: from source from_currency source_currency base have
to: to target to_currency target_currency quote want
pair: pair currency_pair currencies fx_pair cross ccy_pair
limit: limit limit_name which_limit limit_type rule
threshold: threshold share cutoff minimum_share min_weight above
place: place city location where
person: person employee name who
topic: topic subject query about
text: text phrase sentence words
language: language into target_language
company: company firm issuer name
department: department team unit
item: item product article thing
""")

FIELD_NAMES = _table("""
subject: subject label name item of title what
var: var value_at_risk loss_quantile var_amount var_value quantile_loss
es: es expected_shortfall tail_loss cvar es_amount mean_tail_loss
pnl: pnl profit_or_loss profit_and_loss result gain_or_loss pl stress_pnl
scenario: scenario shock event scenario_name stress
by: by dimension grouping breakdown_by group
exposure: exposure exposures exposure_table breakdown groups
start: start start_date from_date period_start first_date
end: end end_date to_date period_end last_date
price: price value premium fair_value option_value
greek: greek sensitivity_name measure greek_name
sensitivity: sensitivity greek_value amount value figure
close: close closing_price price last last_price
as_of: as_of date valuation_date on price_date
change: change price_change return pct_change performance
volatility: volatility vol realised_volatility annual_volatility sigma
correlation: correlation corr rho_estimate coefficient
benchmark: benchmark index reference market
beta: beta beta_estimate slope coefficient
drawdown: drawdown max_drawdown worst_drawdown mdd
amount: amount source_amount given original input_amount
converted: converted target_amount equivalent result converted_amount
rate: rate fx_rate exchange_rate spot quote
status: status outcome verdict state check_result
limits: limits limit_table limit_details details checks
exposures: exposures large_exposures concentrations table list
positions: positions holdings lines contents position_table
error: error error reason problem message
value: value result answer info
""")

# Fields that no sentence cites: (name, unit, decimals); empty unit = text.
DISTRACTORS = (
    ("currency", "", 0),
    ("calendar", "", 0),
    ("source", "", 0),
    ("snapshot", "", 0),
    ("model_version", "", 0),
    ("observations", "1", 0),
    ("num_positions", "1", 0),
    ("num_scenarios", "1", 0),
    ("mean_return", "%", 4),
    ("book_value", "CUR", 0),
    ("notional", "CUR", 0),
    ("standard_error", "CUR", 0),
    ("second_method", "", 0),
    ("computed_in", "ms", 0),
    ("skewness", "1", 2),
    ("worst_day", "", 0),
    ("best_day", "", 0),
    ("tolerance", "%", 2),
    ("desk", "", 0),
    ("data_quality", "", 0),
    ("timezone", "", 0),
    ("risk_free_rate", "%", 2),
    ("spot", "CUR", 2),
    ("dividend_yield", "%", 2),
    ("previous", "CUR", 2),
    ("high", "CUR", 2),
    ("low", "CUR", 2),
    ("volume", "shares", 0),
    ("days", "days", 0),
    ("comment", "", 0),
    ("region", "", 0),
    ("region_code", "", 0),
    ("trader", "", 0),
)

DESCRIPTIONS = _sentences("""
value_at_risk: Value at risk of a portfolio or position at a confidence level.
value_at_risk: Computes how much a book may lose at a given confidence (VaR).
value_at_risk: Loss quantile (VaR) of a book over a holding period.
value_at_risk: VaR of a book.
value_at_risk: The loss that is not exceeded with the given confidence.
value_at_risk: Returns the VaR of a named portfolio or an ad-hoc position.
expected_shortfall: Expected shortfall (CVaR) of a portfolio or position.
expected_shortfall: Average loss beyond the value at risk.
expected_shortfall: Mean of the tail losses of a book.
expected_shortfall: Conditional value at risk of a book or holding.
expected_shortfall: Expected tail loss at a confidence level.
stress_test: Runs a stress scenario on a book.
stress_test: What a book gains or loses under a historical crisis or a custom shock.
stress_test: Result of a shock or crisis for a portfolio.
stress_test: Applies a scenario to a portfolio and returns the profit or loss.
exposure: Exposure of a portfolio grouped by currency, sector or instrument.
exposure: Breaks the exposure of a book down by a dimension.
exposure: How a portfolio is split.
exposure: Net exposure per group.
profit_and_loss: P&L of a book over a period.
profit_and_loss: Money made or lost on a book or position between two dates.
profit_and_loss: Change in value of a portfolio from a start date to an end date.
option_price: Values a European call or put.
option_price: Black-Scholes price of an option.
option_price: What a European option is worth.
option_price: Premium of a call or put on an underlying.
option_greek: Delta, gamma, vega, theta or rho of an option.
option_greek: One Greek of a European call or put.
option_greek: How an option's value reacts to its inputs.
price: Close of a stock or index.
price: Looks up the closing price of an instrument on a date.
price: Last or historical price of a security.
price: What an instrument closed at.
price_change: Return of an instrument over a period.
price_change: How much a stock moved between two dates, in percent.
price_change: Percentage change of a price from a start to an end date.
volatility: Annualised volatility of an instrument's returns.
volatility: How much a price fluctuates.
volatility: Standard deviation of the returns of a security over a window.
correlation: Correlation coefficient between the returns of two instruments.
correlation: How closely two securities move together.
beta: Sensitivity of an instrument to an index.
beta: Regression beta of a stock against a benchmark.
drawdown: Largest peak-to-trough fall of an instrument.
drawdown: Worst loss from a peak over a period.
convert_currency: Converts an amount of money into another currency.
convert_currency: What a sum in one currency is worth in another.
convert_currency: Currency conversion at the reference rate.
fx_rate: FX rate of two currencies.
fx_rate: Reference exchange rate of a pair on a date.
fx_rate: Quotes a currency pair.
limit_check: Whether a book keeps its limits.
limit_check: Tests a portfolio against its risk limits and reports breaches.
limit_check: Status of the limits of a book.
large_exposures: Lists the concentrations in a book.
large_exposures: Positions that exceed a share of the portfolio's value.
large_exposures: Large single-name exposures of a book.
positions: Lists what a book holds.
positions: Holdings of a portfolio.
positions: The content of a book, line by line.
""")

PREFIXES = (
    "get_",
    "calc_",
    "compute_",
    "risk_",
    "run_",
    "fetch_",
    "desk_",
    "query_",
    "svc_",
    "tool_",
    "do_",
    "lookup_",
)
SUFFIXES = ("_v2", "_tool", "_api", "_service", "_calc", "_lookup", "_eod", "_query", "_fn", "_2")
