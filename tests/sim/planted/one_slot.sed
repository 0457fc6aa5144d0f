# One slot for the cursor instead of two.
s/(int64_t)(generation % 2) \* SLOT_APART/(int64_t)(generation \& 0)/
