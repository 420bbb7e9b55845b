"""A write that is sent twice has one effect and one answer: the reply is kept in the transaction that did it."""
