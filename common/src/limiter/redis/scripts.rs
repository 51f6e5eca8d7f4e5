//! The Lua scripts, compiled into the program.

use redis::Script;

const TAKE: &str = concat!(include_str!("../scripts/bucket.lua"), include_str!("../scripts/take.lua"));
const OBSERVE: &str = concat!(include_str!("../scripts/bucket.lua"), include_str!("../scripts/observe.lua"));
const HEARTBEAT: &str = include_str!("../scripts/heartbeat.lua");

/// The scripts. A server that does not know one is sent it once (`EVALSHA`, then `SCRIPT LOAD`).
#[derive(Debug)]
pub struct Scripts {
    pub(super) take: Script,
    pub(super) observe: Script,
    pub(super) heartbeat: Script,
}

impl Default for Scripts {
    fn default() -> Self {
        Self { take: Script::new(TAKE), observe: Script::new(OBSERVE), heartbeat: Script::new(HEARTBEAT) }
    }
}

impl Scripts {
    /// Name and SHA-1 of each script, as `SCRIPT EXISTS` wants it.
    pub fn all(&self) -> [(&'static str, &str); 3] {
        [
            ("take", self.take.get_hash()),
            ("observe", self.observe.get_hash()),
            ("heartbeat", self.heartbeat.get_hash()),
        ]
    }

    /// The same scripts with the lines that read the time and the run id replaced by reads of two keys beside the bucket,
    /// so that a test sets both.
    #[cfg(test)]
    pub(super) fn with_set_clock() -> Self {
        let replaced = |text: &str| {
            let lines: Vec<_> = text
                .lines()
                .map(|line| match line {
                    line if line.contains("'TIME'") => {
                        "local now_us = tonumber(redis.call('GET', KEYS[1] .. ':now'))"
                    }
                    line if line.contains("'INFO'") => "local run_id = redis.call('GET', KEYS[1] .. ':run')",
                    line => line,
                })
                .collect();
            Script::new(&lines.join("\n"))
        };
        Self { take: replaced(TAKE), observe: replaced(OBSERVE), heartbeat: Script::new(HEARTBEAT) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_reads_the_time_in_exactly_one_line() {
        for text in [TAKE, OBSERVE, HEARTBEAT] {
            assert_eq!(text.lines().filter(|line| line.contains("'TIME'")).count(), 1);
        }
    }
}
