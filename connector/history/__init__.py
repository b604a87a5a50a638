"""What experience says: how often each class of evidence was right, what people taught of payers, and what another
policy would have done.

replay.py     the customer's own past through the same `matching.decide`, day by day
agreement.py  the replay's agreement with what people did, class by class, and people's judgement of the rest
learned.py    the classes with their counts, demotions and aliases, and who may change them
backtest.py   the past under a policy: reminders and hand-overs, by the decisions themselves; backtest_past.py reads
              that past, backtest_report.py sets two policies side by side
"""
