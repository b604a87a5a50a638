"""What experience says: how often each class of evidence was right, and what people taught of payers.

replay.py     the customer's own past through the same `matching.decide`, day by day
agreement.py  the replay's agreement with what people did, class by class, and people's judgement of the rest
learned.py    the classes with their counts, demotions and aliases, and who may change them
"""
