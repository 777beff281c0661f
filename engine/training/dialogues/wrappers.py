"""Ways to ask that fit any intent: around a noun phrase, before and after a clause.

`@` stands for the noun phrase or clause; `{subject}` for the subject slot of the intent.
"""

# Templates stay on one line each, however long: a break would become part of the text.
# ruff: noqa: E501

from engine.training.dialogues.grammar import lines

# Around a noun phrase such as "the 10-day VaR of the sample book".
AROUND_NOUN = lines("""
[what is|what is|what's|what's|whats|what was|what would be|what about|how about] @?
[what is|what's|whats|what was] @
@?
@
@ [please|pls|plz]
@, [please|thanks|thank you|pls|cheers]
[please |pls |kindly |][give|show|send|get|fetch] me @[.|]
[please |pls |kindly |][compute|calculate|calc|work out|determine|find|report|provide|produce|run|get|estimate|display|state|pull|look up|return|show|retrieve|check] @[.|]
[can|could|would|will] you [please |][give|show|tell|get|send|find|run|work out|calculate|compute|pull|let me have|look up|check] [me |]@?
[can|could] you [please |]tell me [what |]@ [is|was][?|]
[can|could|may] [I|we] [please |][have|get|see|know] @?
[I|we] [need|want|require|would like|'d like|am looking for|have to know|must have|want to see|want to know|need to know|would like to see] @[.|]
[I'd|we'd|I would] like [to know|to see|to have|] @[.|]
[my boss|the boss|our CRO|the CFO|risk|compliance|the desk|the client|a client|my manager|the board|the auditor|audit|the regulator|head of desk|treasury|the PM|front office|someone|Anna|the head of risk|middle office] [wants|needs|is asking for|asked for|asks for|would like|requests|is after|wants to know|wants to see|keeps asking about] @[.|]
[tell|remind] me @[.|]
[do you know|do we know|any idea|any idea of|does anyone know|have you got|do you have|do we have] @?
[looking for|trying to find|need|want|after|require|interested in|curious about|wondering about|requesting|asking for] @[.|]
[how big|how large|how high|how much] [is|was] @?
[quick one|quick question|question|request|task|query|next|todo]: @[?|]
[let's|let us|let me] [see|have|look at|get|check] @[.|]
[@ - what is it?|@: what is it?|@ =?|@?? |@...|@ now|@ asap|@, asap|@!]
[what do you have for|what have you got for|what do you get for|what do we have for|what number do you have for|what figure do you get for] @?
[I am|I'm|we are|we're] [looking for|interested in|trying to get|after|in need of|checking|reviewing] @[.|]
[what does|what do] @ [come to|look like|amount to|stand at|come out at]?
[where is|where's|where does] @[ stand| sit| now|]?
[any|got|is there a] [number|figure|value] for @?
[put|write|print] @ [in the report|in my report|here|in the summary|on the screen|down][.|]
[it would be great|it would help|it'd be good] to [have|see|know] @[.|]
[so |ok |okay |well |right |and |now |hey |hi |]@[?|]
[could|would] you mind [giving|sending|telling|showing] me @?
[I was asked for|they asked for|we were asked for|I have been asked to provide|I need to report|I must report|we have to report|I'm supposed to deliver] @[.|]
""")

# Before a complete clause; `@` follows.
OPENERS = lines("""
[hi|hello|hey|good morning|morning|good afternoon|dear all|hi team|hi there|hello finsvc|hey there|hi all]
[hi|hello|hey|good morning], [quick one|one question|quick question|a question|I have a question|need your help]
[quick question|question|one question|quick one|request|urgent|important|FYI|asap|follow-up|next question|new question|reminder]
[sorry to bother you|sorry|excuse me|apologies|thanks in advance|when you have a minute|if you have a moment]
[ok|okay|so|well|right|now|alright|hmm|um|great|perfect|thanks|also|and|then|fine]
[for the record|for my report|for the board pack|for the risk committee|for the meeting|for our client|for the audit|for tomorrow's meeting|for the morning note|for month-end reporting]
[the regulator is asking again|we are preparing the monthly report|I am preparing the risk report|my boss is asking|the client is on the phone|I'm new here|just checking|I am in a meeting|markets are nervous|the board meets soon|it is month end|I am doing the reconciliation|we have an audit|I forgot the number]
[before the meeting|before I leave|before the call|for once|if possible|if you can|as usual|as discussed|once more|again|first|second|to start with]
""")

# After a complete clause.
CLOSERS = lines("""
[ please| pls| plz|, please| thanks|, thanks|, thx| ty| cheers| asap|, asap|, cheers| if possible| for me| again]
[ Thanks.| Thanks!| Thank you.| Thanks in advance.| Cheers.| Many thanks.| Thx| Please.| It's urgent.| Urgent!]
[ I need it for the board.| It is for the risk report.| The client is waiting.| I need it now.| It is for the audit.| Just the number, please.| No commentary.| Keep it short.| A number is enough.| Ballpark is fine.| Be precise.]
[ for the board pack| for the report| for the meeting| for my report| for the risk committee| for a client| for our records| for compliance| for audit]
[ right now| now| currently| at the moment| at present| as it stands]
""")

# The subject first, then a noun phrase without it (`@`), or with a pronoun.
SUBJECT_FIRST = lines("""
[for|on|regarding|concerning|about|with regard to|as for|re|re:] {subject}[,|:] [what is|what's|give me|I need|show|show me|tell me|compute|calculate|can I get|please give|] @[?|]
{subject}: @[?|]
{subject} - @[?|]
{subject}, @[?|. |]
{subject} @
[take|consider|look at|let's look at|have a look at|think of|let's take|we have|we are looking at|I'm looking at|I am reviewing|I'm working on|open|pull up|here is|this is about|my question is about|it's about|I have a question about] {subject}[.|. |;|:] [what is|what's|give me|I need|show me|tell me|calculate|report] @[?|]
{subject}. @[?| please.|.|]
[in the case of|in terms of|when it comes to|speaking of] {subject}, [what is|what's] @?
@[,|:| -|;| for this one:| - for] {subject}[?|]
[I need|give me|show me|what is|what's|compute|get] @[. It is for| - it's for|. I mean for|, I mean for|. The subject is|. This is for] {subject}[.|]
[has anyone|did anyone|could someone] [look at|looked at|check] {subject}? [I need|we need|what is|what's] @[.|?]
{subject} [please|pls]: @
[if we take|given|assuming|suppose we hold|say we hold|based on] {subject}, [what is|what's|what would be] @?
""")

# Optional arguments after a clause, by argument.
ATTACH: dict[str, tuple[str, ...]] = {
    "confidence": lines("""
[ at| at| with| to| using| under] {confidence:level}[ confidence| confidence level|| confidence interval]
 at [the|a] {confidence:level} [level|confidence level|level of confidence]
[,| -|;] {confidence}
 ({confidence})
 with confidence {confidence:level}
 {confidence}
 at {confidence}
"""),
    "horizon": lines("""
 over {horizon:noun}
 [over|on|for|with|at] a {horizon:adjective} [horizon|holding period|period|basis|time horizon]
 for [the next |the coming |]{horizon:noun}
 over the next {horizon:noun}
[,| -|;] {horizon}
 ({horizon})
 [horizon|holding period] {horizon}
 with a holding period of {horizon:noun}
 {horizon}
"""),
    "method": lines("""
[ using| with| by| via| based on| under| through| from] {method}
[ using| with| by| under] the {method} [method|approach|model|methodology]
[,| -|;] {method}[ please|]
 ({method})
 with method {method}
 {method}
"""),
    "as_of": lines("""
[ as of| as of| on| at| for| as at| per| @| dated| as on| valued at] {as_of}
[,| -|;] {as_of}
 ({as_of})
 {as_of}
 as of the close of {as_of:calendar}
 as it was on {as_of:calendar}
[, as of| - as of|, date] {as_of}
"""),
    "window": lines("""
[ over| using| for| based on| in| during| across] {window:span}
[ over| with| using| on] a {window:stretch} window
[,| -|;] {window}
 ({window})
 over {window:span} of data
 with [a |]window [of |]{window:span}
 {window}
 [looking back|measured over|calculated over|taken over] {window:span}
"""),
    "benchmark": lines("""
[ to| against| versus| vs| vs.| relative to| with respect to| compared to| on] {benchmark}
[ with| using| taking] {benchmark} as [the |]benchmark
[,| -|;] benchmark {benchmark}
 [benchmarked|measured|regressed] [against|on] {benchmark}
"""),
    "by": lines("""
[ by| by| by| per| split by| broken down by| grouped by| by| across| for each] {by}
[,| -|;] by {by}
 ({by})
 [on a|at] {by} [basis|level]
"""),
    "limit": lines("""
[ for| on| against| with regard to| -|,] {limit}
"""),
    "threshold": lines("""
[ above| over| exceeding| larger than| bigger than| more than| beyond| greater than| >] {threshold}
[ with| using| at] a {threshold} threshold
[, threshold| threshold| -|,| with threshold| with a threshold of|, limit] {threshold}
 ({threshold})
 [above|over|exceeding] {threshold} of [its|the|total|book] [value|NAV|book value|assets]
"""),
    "drawdown_period": lines("""
 since {start}
[ from| between] {start} [to|and] {end}
[ in| over| during| for| within] {start:period}
 {start:relative}
 from {start} until {end}
[,| -] {start} to {end}
 ({start:period})
"""),
}

# Optional arguments in a sentence of their own, by argument.
SENTENCES: dict[str, tuple[str, ...]] = {
    "confidence": lines("""
[ Use| Take| Assume| With| Make it| At| I want| It should be] {confidence:level}[ confidence|].
 [Confidence|Confidence level|Level|CL]: {confidence}[.|]
 The confidence [level |]is {confidence:level}.
"""),
    "horizon": lines("""
[ Use| Take| Assume] a {horizon:adjective} [horizon|holding period].
 [Horizon|Holding period]: {horizon}[.|]
 The [horizon|holding period] is {horizon:noun}.
"""),
    "method": lines("""
[ Use| Take| Apply| With| Please use| I prefer] {method}[ please|].
 [Method|Model]: {method}[.|]
 Use the {method} [method|approach|model].
"""),
    "as_of": lines("""
[ Use| Take| As of| For| On| Per| Make it| Value date| Use prices of| I want it for| I want the number from| I need the figure from] {as_of}.
 [Date|As of|Valuation date|As-of date|Value date]: {as_of}[.|]
 The date is {as_of:calendar}.
"""),
    "window": lines("""
[ Use| Take] [a |]{window:stretch} window.
 [Window|Lookback|Period]: {window}[.|]
 [Use|Look back|Take] {window:span}[ of data|].
"""),
    "benchmark": lines("""
[ Use| Take| The benchmark is| Benchmark:| Measure it against] {benchmark}.
"""),
    "by": lines("""
 [Break it down|Split it|Show it|Group it|Split] by {by}.
 [By|Dimension:|Breakdown:] {by}[.|]
"""),
    "limit": lines("""
[ I mean| I care about| Only look at| Only| Just| It is about] {limit}.
"""),
    "threshold": lines("""
[ Use| Take| The threshold is| Threshold:| The cut-off is] {threshold}.
"""),
    "drawdown_period": lines("""
[ Period:| Use| Take| For] {start:period}.
[ From| Period:] {start} to {end}.
"""),
}

# A date in front of the clause (`@`).
LEADING_DATE = lines("""
[as of|as of|on|at|as at|for|per] {as_of}, @
[as of|on|at|date|as at|value date|dated]: {as_of}. @
{as_of}: @
[as of|as at|at] the close of {as_of:calendar}, @
[using|with|on] [prices|data|market data] [of|from|as of] {as_of:calendar}, @
[what if we look at|suppose it is|imagine it is|let's say it is|go back to|rewind to] {as_of:calendar}[.|:|. then:] @
{as_of}, @
""")
