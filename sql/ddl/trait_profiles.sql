CREATE TABLE trait_profiles (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    trait INTEGER COMMENT 'Number of the trait in this window, from 0.',
    suggested_name VARCHAR COMMENT 'A name by rule: Bargain hunter needs low prices as evidence, else it says what the trait loads on.',
    named_by VARCHAR COMMENT 'The rule and the figures behind the name.',
    customers BIGINT COMMENT 'Customers in whom it is the largest.',
    size_share DOUBLE COMMENT 'Its share of all weights of all customers.',
    conversion_rate DOUBLE COMMENT 'Converted share of the windows sessions, each customer weighted by the trait.',
    conversion_lift DOUBLE COMMENT 'That rate less the rate of all customers.',
    conversion_lift_low DOUBLE COMMENT 'Lower end of the 95 % interval, over customers.',
    conversion_lift_high DOUBLE COMMENT 'Upper end of the interval.',
    spend_usd DOUBLE COMMENT 'Mean spend of a customer in the window, weighted by the trait; NULL where purchases have no price.',
    spend_lift_usd DOUBLE COMMENT 'That spend less the mean of all customers.',
    spend_lift_low_usd DOUBLE COMMENT 'Lower end of the 95 % interval, over customers.',
    spend_lift_high_usd DOUBLE COMMENT 'Upper end of the interval.',
    relative_price DOUBLE COMMENT 'Price of what is looked at, as a multiple of its category mean; NULL without prices.',
    relative_price_low DOUBLE COMMENT 'Lower end of the 95 % interval, over customers.',
    relative_price_high DOUBLE COMMENT 'Upper end of the interval.',
    stability DOUBLE COMMENT 'Cosine with the trait that matches it when fitted from other seeds, mean.',
    coherence DOUBLE COMMENT 'Mean normalised pointwise mutual information of its top tokens within customers.'
)
COMMENT = 'What each trait is: name, size, conversion and spend against all customers, stability. One row per trait.'
