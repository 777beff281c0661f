"""What the law asks of the record, clause by clause: what answers it, and the test that proves it.

The one table behind docs/law.md (`finsvc audit law` prints it) and the tests of
`tests/finsvc/compliance/test_record_law.py`, of which each row has one by the row's name. The
demands are in our words; who relies on them reads the sources. A log is a part of what these laws
ask of a firm, never all of it.
"""

from dataclasses import dataclass

_TEST_FILE = "tests/finsvc/compliance/test_record_law.py"

_INTRODUCTION = """\
# The record and the law

Made from the table in `finsvc/compliance/record_law.py` by `finsvc audit law`. Each row has a test
that does the real thing on a real log (`{tests}`); a test fails where a
row has no test or a test no row. The demands are in our words. A log is a part of what these laws
ask of a firm: which records a firm must keep, for how long and who may see them, its own policies
say (retention rules, policy bundle).

AI Act, Annex III: the duties apply from 2 December 2027 after the omnibus of 2026, whose text in
the Official Journal was not at hand. The Act asks nothing about integrity; the proofs are more than
it asks.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LawRow:
    """One demand.

    Attributes:
        name: Of the row and, after `test_`, of its test.
        source: The act.
        clause: Within it.
        demand: What it asks of a record, in our words.
        answer: Fields and functions that answer it.
    """

    name: str
    source: str
    clause: str
    demand: str
    answer: str


_SEC = "17 CFR 240.17a-4 (87 FR 66412)"
_MIFID = "Delegated Regulation (EU) 2017/565"
_AI = "Regulation (EU) 2024/1689 (AI Act)"
_DORA = "Delegated Regulation (EU) 2024/1774 (DORA)"
_GDPR = "Regulation (EU) 2016/679 (GDPR)"
_BCBS = "BCBS 239"


def _row(name: str, source: str, clause: str, demand: str, answer: str) -> LawRow:
    return LawRow(name=name, source=source, clause=clause, demand=demand, answer=answer)


LAW: tuple[LawRow, ...] = (
    _row(
        "sec_17a_4_f_2_i_a_1_every_modification_and_deletion_is_in_the_trail",
        _SEC,
        "(f)(2)(i)(A)(1)",
        "Audit trail of all modifications and deletions of a record or a part of it.",
        "Nothing is overwritten: a later record names the earlier (`approves`, same `id`); "
        "destruction of a content is a shredding event with `by`, `reason`, `indices`.",
    ),
    _row(
        "sec_17a_4_f_2_i_a_2_and_3_each_action_has_time_and_person",
        _SEC,
        "(f)(2)(i)(A)(2) and (3)",
        "Date and time of each action that creates, modifies or deletes, and the individual.",
        "`predicate.time` (UTC in ns, clock, error) of every entry; `principal`, `approver`, `by`.",
    ),
    _row(
        "sec_17a_4_f_2_i_a_4_original_is_recreated_after_a_modification",
        _SEC,
        "(f)(2)(i)(A)(4)",
        "Authenticity and reliability; a modified or deleted original can be re-created.",
        "Signatures and tree (`finsvc audit verify` names the first bad index); the untouched copy "
        "is told from the altered one by the same checkpoint.",
    ),
    _row(
        "sec_17a_4_f_2_ii_completeness_is_verified_automatically",
        _SEC,
        "(f)(2)(ii)",
        "Completeness and accuracy of storing are verified automatically.",
        "`verify_directory`; every opening for writing checks the log; a receipt for every record.",
    ),
    _row(
        "sec_17a_4_f_2_iv_copies_for_people_and_machines",
        _SEC,
        "(f)(2)(iv)",
        "Download of a record and its trail in a human-readable and a usable electronic format.",
        "`finsvc audit export`: JSON lines, HTML and PDF with proofs.",
    ),
    _row(
        "sec_17a_4_f_2_v_redundant_copy_serves_alone",
        _SEC,
        "(f)(2)(v)",
        "A backup system that serves when the original cannot be reached.",
        "A copied log folder is verified, read and searched without the original.",
    ),
    _row(
        "sec_17a_4_f_3_records_are_located_by_an_index",
        _SEC,
        "(f)(3)",
        "Information needed to access and locate records is organised and current.",
        "Search index (`who`, `client`, `book`, `verdict`, `tool`, `number`, time), rebuilt from "
        "the log where it is lost.",
    ),
    _row(
        "sec_17a_4_a_records_are_kept_six_years",
        _SEC,
        "(a), (b)",
        "Records are preserved for six (three) years.",
        "`RetentionRule`: no erasure before its end, whoever asks; entries are never erased.",
    ),
    _row(
        "mifid_72_1_a_each_key_stage_can_be_reconstituted",
        f"MiFID II Art 16(6); {_MIFID}",
        "Art 72(1)(a)",
        "The authority can reconstitute each key stage of the processing of a transaction.",
        "`request`, `policy`, `turns`, `calls`, `claims`, `verdict`, `answer`, approval; replay.",
    ),
    _row(
        "mifid_72_1_b_corrections_and_what_was_before_are_seen",
        _MIFID,
        "Art 72(1)(b)",
        "Corrections and amendments, and what was before them, are easily ascertained.",
        "Records of the same decision are listed together, all contents readable.",
    ),
    _row(
        "mifid_72_1_c_records_cannot_be_altered_otherwise",
        _MIFID,
        "Art 72(1)(c)",
        "Records cannot be manipulated or altered in any other way.",
        "Any changed byte of an entry or payload is found, with its index.",
    ),
    _row(
        "mifid_72_1_d_records_are_exploited_by_machine",
        _MIFID,
        "Art 72(1)(d)",
        "Efficient exploitation by IT where volume or nature make reading impossible.",
        "`records.jsonl`, a line a record; search by field.",
    ),
    _row(
        "mifid_72_1_e_any_technology_reads_and_checks_them",
        _MIFID,
        "Art 72(1)(e)",
        "The requirements are met whatever technology is used.",
        "Open formats (`audit/SPEC.md`); a verifier of one file without finsvc.",
    ),
    _row(
        "mifid_annex_i_client_person_and_time_are_fields",
        _MIFID,
        "Annex I",
        "Client, person who acted, date and time of what was asked and of what was done.",
        "`client`, `principal.id`, `principal.on_behalf_of`, `time`, `predicate.time`; search.",
    ),
    _row(
        "ai_act_12_1_events_are_recorded_automatically",
        _AI,
        "Art 12(1)",
        "Events are logged automatically over the lifetime of the system.",
        "Questions, refusals, approvals, reports, replays, readings, builds: no record, no answer.",
    ),
    _row(
        "ai_act_12_2_a_risks_and_substantial_modifications_are_identified",
        _AI,
        "Art 12(2)(a)",
        "Events that show a risk situation or a substantial modification.",
        "`verdict`, `reasons`, `held`; the `build` record whenever code, packages or settings "
        "change, and the fingerprint of the model.",
    ),
    _row(
        "ai_act_12_2_b_and_26_5_operation_is_monitored_from_the_log",
        _AI,
        "Art 12(2)(b) and (c), 26(5)",
        "Post-market monitoring and monitoring of operation.",
        "Search by verdict, tool and time.",
    ),
    _row(
        "ai_act_14_oversight_is_on_record",
        _AI,
        "Art 14(4)",
        "A person can decide not to use, override or reverse the output.",
        "`held`, approval record: who, verdict, comment, digest of the answer approved.",
    ),
    _row(
        "ai_act_19_1_and_26_6_logs_are_kept_six_months",
        _AI,
        "Art 19(1), 26(6)",
        "Logs are kept for at least six months, by provider and deployer.",
        "`RetentionRule`; five years where the operator states no rules.",
    ),
    _row(
        "dora_12_2_c_listed_events_are_logged",
        _DORA,
        "Art 12(2)(c)",
        "Events of access control, change management and operations are logged.",
        "Policy decisions (allowed and refused), access records, build records, key events.",
    ),
    _row(
        "dora_12_2_d_logs_are_protected_against_tampering_deletion_and_access",
        _DORA,
        "Art 12(2)(d)",
        "Protection of logs against tampering, deletion and unauthorised access.",
        "Tree and signatures; sealed contents; keyed search terms; policy on reading.",
    ),
    _row(
        "dora_12_2_e_failure_of_logging_is_detected",
        _DORA,
        "Art 12(2)(e)",
        "A failure of the logging system is detected.",
        "A failed append stops the answer; the writer ends for good until it is opened again.",
    ),
    _row(
        "dora_12_2_f_clock_and_its_uncertainty_are_recorded",
        _DORA,
        "Art 12(2)(f)",
        "Clocks are synchronised to a documented reference; jumps show.",
        "`predicate.time.clock` and `error_us`; clock events.",
    ),
    _row(
        "gdpr_17_1_erasure_leaves_proofs_valid",
        _GDPR,
        "Art 17(1)",
        "Erasure of a person's data without undue delay.",
        "`shred_subject`: keys of all that is under `client` are destroyed; receipts stay valid.",
    ),
    _row(
        "gdpr_17_3_b_legal_obligation_outweighs_erasure",
        _GDPR,
        "Art 17(3)(b) and (e)",
        "No erasure where a legal obligation or legal claims need the data.",
        "Retention rules and legal holds refuse it (`audit_retention`).",
    ),
    _row(
        "gdpr_5_1_e_what_no_rule_keeps_any_more_is_named",
        _GDPR,
        "Art 5(1)(e)",
        "Personal data are kept no longer than necessary.",
        "`Keeper.expired` lists what may be destroyed, holds apart.",
    ),
    _row(
        "gdpr_32_contents_are_unreadable_without_the_keys",
        _GDPR,
        "Art 5(1)(f), 32(1)(a)",
        "Confidentiality; pseudonymisation and encryption.",
        "Contents sealed by AES-256-GCM; only keyed commitments in entries and index.",
    ),
    _row(
        "bcbs_239_p2_figure_is_traced_to_data_and_method",
        _BCBS,
        "Principle 2",
        "Lineage: each figure is traced to its source data and transformation.",
        "`claims[].source`, `calls[].calculator`, `calculator_digest`, `inputs_digest`, "
        "`data_snapshot`.",
    ),
    _row(
        "bcbs_239_p3_figure_is_reconciled_by_a_second_method",
        _BCBS,
        "Principle 3",
        "Accuracy and integrity: figures are reconciled with another source.",
        "`claims[].second`: method, value, difference, tolerance.",
    ),
    _row(
        "bcbs_239_p4_and_p5_every_decision_is_there_and_timely",
        _BCBS,
        "Principles 4 and 5",
        "Completeness and timeliness.",
        "Indices without a gap; the record is durable before the answer leaves.",
    ),
    _row(
        "bcbs_239_p6_ad_hoc_requests_are_answered",
        _BCBS,
        "Principle 6",
        "Adaptability: ad-hoc requests, in stress too.",
        "Search and export by any combination of fields; what-if under another policy bundle.",
    ),
)


def law_page() -> str:
    """The table as a page of Markdown."""
    lines = [
        _INTRODUCTION.format(tests=_TEST_FILE),
        "| act | clause | asks | answered by | test |",
        "|---|---|---|---|---|",
        *(
            f"| {row.source} | {row.clause} | {row.demand} | {row.answer} | `test_{row.name}` |"
            for row in LAW
        ),
    ]
    return "\n".join(lines) + "\n"
