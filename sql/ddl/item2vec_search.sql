CREATE TABLE item2vec_search (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    profile VARCHAR COMMENT 'Its name: usual is what gensim does by default.',
    window_tokens BIGINT COMMENT 'Tokens to each side that are context.',
    epochs BIGINT COMMENT 'Passes over the sessions.',
    thinning DOUBLE COMMENT 'Threshold above which frequent tokens are thinned out.',
    ns_exponent DOUBLE COMMENT 'Exponent of the frequencies by which negatives are drawn.',
    n_queries BIGINT COMMENT 'Held-out pairs of an item and the next.',
    hit_rate_10 DOUBLE COMMENT 'Share of them in which the next item is among the ten nearest of the vocabulary.',
    ndcg_10 DOUBLE COMMENT 'The same, discounted by its rank.',
    is_chosen BOOLEAN COMMENT 'Whether the vectors were trained with it.'
)
COMMENT = 'Profiles of item2vec that were tried, by how often the next item of held-out sessions is among the ten nearest. One row per profile.'
