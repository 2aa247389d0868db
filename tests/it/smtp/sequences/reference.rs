//! What the bytes of a message mean, found in the whole of them at once. (The fuzz targets go by it too.)

/// Where the first CR or LF is that is not one half of a line end, or the first NUL. A last CR may yet become a line end.
pub fn spoiled(bytes: &[u8]) -> Option<usize> {
    let is_spoiled = |at: usize| match bytes[at] {
        0 => true,
        b'\r' => bytes.get(at + 1).is_some_and(|next| *next != b'\n'),
        b'\n' => at == 0 || bytes[at - 1] != b'\r',
        _ => false,
    };
    (0..bytes.len()).find(|at| is_spoiled(*at))
}

/// How many bytes the message after DATA has with its last dot, once that has come.
pub fn end(bytes: &[u8]) -> Option<usize> {
    match bytes.starts_with(b".\r\n") {
        true => Some(3),
        false => bytes.windows(5).position(|window| window == b"\r\n.\r\n").map(|at| at + 5),
    }
}

/// What was meant by a message that came with this; the last line is the lonely dot.
pub fn unstuffed(wire: &[u8]) -> Vec<u8> {
    let lines = wire.strip_suffix(b".\r\n").unwrap_or(wire).split_inclusive(|byte| *byte == b'\n');
    lines.flat_map(|line| line.strip_prefix(b".").unwrap_or(line)).copied().collect()
}
