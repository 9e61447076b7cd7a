-- Reads a stored call without decoding it. Needs nothing.

-- The job type's name inside our envelope, or inside a pickle as plain arq writes it; '' when it cannot be told.
local function job_type_of(payload)
  local name_at, size
  if string.sub(payload, 1, 8) == '\128\004}(\140\002et' then
    name_at = 35
    local a, b = string.byte(payload, 31, 32)
    size = a + b * 256
  else
    local at = string.find(payload, '\140\001f\148\140', 1, true)
    if not at then
      return ''
    end
    name_at = at + 6
    size = string.byte(payload, at + 5)
  end
  return string.sub(payload, name_at, name_at + size - 1)
end
