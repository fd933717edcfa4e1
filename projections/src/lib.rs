//! Pure reducers from events to read models.
