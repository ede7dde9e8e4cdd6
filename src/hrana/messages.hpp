// All messages of Hrana 1, 2 and 3.
#pragma once

#include "hrana/encoding.hpp"
#include "hrana/requests.hpp"
#include "hrana/responses.hpp"
