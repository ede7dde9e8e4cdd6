SELECT ?, ?3, :a, @b, $c::d(e), #f, ?1 FROM t WHERE a = 'it''s' -- ?
