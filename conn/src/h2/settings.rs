//! Settings of both sides: the peer's as we must respect them, ours as the peer has acknowledged them (RFC 9113 §6.5).

use core::time::Duration;
use std::collections::VecDeque;

use pellucid_frame::{Setting, SettingId, Settings as SettingsFrame};

use super::config::Config;
use super::role::Role;
use super::violation::Violation;
use crate::time::Time;

/// The values the peer asked us to respect. Defaults are those of RFC 9113 §6.5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerSettings {
    /// Octets its HPACK decoder offers.
    pub header_table_size: u32,
    /// Whether it (a client) accepts promises.
    pub enable_push: bool,
    /// Streams we may have open; `None` before it said so: no limit.
    pub max_concurrent_streams: Option<u32>,
    /// The window its streams start with.
    pub initial_window_size: u32,
    /// The largest frame payload it takes.
    pub max_frame_size: u32,
    /// The field section size it would like us to stay below; advice.
    pub max_header_list_size: Option<u32>,
    /// Whether it (a server) takes extended CONNECT (RFC 8441).
    pub enable_connect_protocol: bool,
    /// Whether it ignores the priorities of RFC 7540 (RFC 9218 §2.1); `None` before its first SETTINGS.
    pub no_rfc7540_priorities: Option<bool>,
}

impl Default for PeerSettings {
    fn default() -> Self {
        Self {
            header_table_size: 4096,
            enable_push: true,
            max_concurrent_streams: None,
            initial_window_size: 65_535,
            max_frame_size: 16_384,
            max_header_list_size: None,
            enable_connect_protocol: false,
            no_rfc7540_priorities: None,
        }
    }
}

impl PeerSettings {
    /// The settings after this frame. The first broken rule is reported and nothing is applied (RFC 9113 §6.5.3 wants all
    /// values processed in order; one that ends the connection leaves no state worth having).
    pub(crate) fn after(self, frame: &SettingsFrame<'_>, sender: Role) -> Result<Self, Violation> {
        let mut next = self;
        for Setting { id, value } in frame.iter() {
            next.apply(id, value, sender)?;
        }
        // RFC 9218 §2.1: the setting counts as 0 when the first SETTINGS frame leaves it out.
        next.no_rfc7540_priorities.get_or_insert(false);
        if let (Some(before), now) = (self.no_rfc7540_priorities, next.no_rfc7540_priorities)
            && now != Some(before)
        {
            return Err(Violation::SettingsNoPriorities);
        }
        Ok(next)
    }

    fn apply(&mut self, id: SettingId, value: u32, sender: Role) -> Result<(), Violation> {
        match id {
            SettingId::HEADER_TABLE_SIZE => self.header_table_size = value,
            // RFC 9113 §6.5.2: 0 or 1, and from a server never 1.
            SettingId::ENABLE_PUSH => {
                let allowed = as_bool(value).ok_or(Violation::SettingsEnablePush)?;
                if allowed && sender == Role::Server {
                    return Err(Violation::ServerEnabledPush);
                }
                self.enable_push = allowed;
            }
            SettingId::MAX_CONCURRENT_STREAMS => self.max_concurrent_streams = Some(value),
            // RFC 9113 §6.5.2: above 2^31-1 is a flow-control error.
            SettingId::INITIAL_WINDOW_SIZE if value > pellucid_flow::MAX_WINDOW => {
                return Err(Violation::SettingsInitialWindow);
            }
            SettingId::INITIAL_WINDOW_SIZE => self.initial_window_size = value,
            // RFC 9113 §6.5.2: between 2^14 and 2^24-1.
            SettingId::MAX_FRAME_SIZE if !(16_384..=16_777_215).contains(&value) => {
                return Err(Violation::SettingsMaxFrameSize);
            }
            SettingId::MAX_FRAME_SIZE => self.max_frame_size = value,
            SettingId::MAX_HEADER_LIST_SIZE => self.max_header_list_size = Some(value),
            // RFC 8441 §3: 0 or 1, and never back from 1 to 0.
            SettingId::ENABLE_CONNECT_PROTOCOL => {
                let on = as_bool(value).ok_or(Violation::SettingsConnectProtocol)?;
                if self.enable_connect_protocol && !on {
                    return Err(Violation::SettingsConnectProtocol);
                }
                self.enable_connect_protocol = on;
            }
            // RFC 9218 §2.1: 0 or 1; a change after the first SETTINGS frame is caught in `after`.
            SettingId::NO_RFC7540_PRIORITIES => {
                self.no_rfc7540_priorities = Some(as_bool(value).ok_or(Violation::SettingsNoPriorities)?);
            }
            // RFC 9113 §6.5.2: unknown settings are ignored.
            _ => {}
        }
        Ok(())
    }
}

fn as_bool(value: u32) -> Option<bool> {
    match value {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// What a SETTINGS frame of ours changes once it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LocalChange {
    pub(crate) header_table_size: Option<u32>,
    pub(crate) initial_window_size: Option<u32>,
    pub(crate) max_frame_size: Option<u32>,
    pub(crate) enable_push: Option<bool>,
}

/// The values of ours that the peer has acknowledged last; those of RFC 9113 §6.5.2 before the first.
#[derive(Debug, Clone, Copy)]
struct Acknowledged {
    max_frame_size: u32,
    initial_window_size: u32,
    header_table_size: u32,
}

impl Default for Acknowledged {
    fn default() -> Self {
        Self { max_frame_size: 16_384, initial_window_size: 65_535, header_table_size: 4096 }
    }
}

/// Our own settings: sent, and acknowledged in the order they were sent.
#[derive(Debug)]
pub(crate) struct LocalSettings {
    /// What we accept: raised when sent, lowered when acknowledged.
    pub(crate) max_frame_size: u32,
    /// The window streams of the peer start with; likewise.
    pub(crate) initial_window_size: u32,
    /// What the peer's encoder may use; likewise.
    pub(crate) header_table_size: u32,
    acknowledged: Acknowledged,
    /// A client's ENABLE_PUSH = 0 has been acknowledged.
    pub(crate) push_disabled: bool,
    pending: VecDeque<(LocalChange, Time)>,
}

impl LocalSettings {
    pub(crate) fn new() -> Self {
        let acknowledged = Acknowledged::default();
        Self {
            max_frame_size: acknowledged.max_frame_size,
            initial_window_size: acknowledged.initial_window_size,
            header_table_size: acknowledged.header_table_size,
            acknowledged,
            push_disabled: false,
            pending: VecDeque::new(),
        }
    }

    /// Notes a SETTINGS frame as sent.
    pub(crate) fn sent(&mut self, change: LocalChange, now: Time) {
        // RFC 9113 §6.6: what is switched on may be used as soon as the peer sees it.
        self.push_disabled &= change.enable_push != Some(true);
        self.pending.push_back((change, now));
        self.allow_the_most();
    }

    /// RFC 9113 §6.5.3: until its acknowledgment arrives the peer works with an older value or with a newer one, so the most
    /// generous of all that may be in force is what it is held to.
    fn allow_the_most(&mut self) {
        let Acknowledged { mut max_frame_size, mut initial_window_size, mut header_table_size } = self.acknowledged;
        for (change, _) in &self.pending {
            max_frame_size = max_frame_size.max(change.max_frame_size.unwrap_or(0));
            initial_window_size = initial_window_size.max(change.initial_window_size.unwrap_or(0));
            header_table_size = header_table_size.max(change.header_table_size.unwrap_or(0));
        }
        self.max_frame_size = max_frame_size;
        self.initial_window_size = initial_window_size;
        self.header_table_size = header_table_size;
    }

    /// The oldest unacknowledged frame has been acknowledged.
    pub(crate) fn acknowledged(&mut self) -> Result<LocalChange, Violation> {
        let (change, _) = self.pending.pop_front().ok_or(Violation::UnsolicitedSettingsAck)?;
        let known = &mut self.acknowledged;
        known.max_frame_size = change.max_frame_size.unwrap_or(known.max_frame_size);
        known.initial_window_size = change.initial_window_size.unwrap_or(known.initial_window_size);
        known.header_table_size = change.header_table_size.unwrap_or(known.header_table_size);
        self.push_disabled |= change.enable_push == Some(false);
        self.allow_the_most();
        Ok(change)
    }

    /// When the oldest unacknowledged frame has waited for `timeout`.
    pub(crate) fn deadline(&self, timeout: Duration) -> Option<Time> {
        self.pending.front().map(|(_, at)| *at + timeout)
    }
}

/// RFC 9113 §6.5.2: what would end the connection if it came from a peer in `role` is not sent in that role either.
/// RFC 9218 §2.1, RFC 8441 §3: what the first frame has said of priorities and of extended CONNECT is not said differently later.
pub(crate) fn may_be_sent(setting: Setting, role: Role) -> bool {
    let is_said_once = matches!(setting.id, SettingId::NO_RFC7540_PRIORITIES | SettingId::ENABLE_CONNECT_PROTOCOL);
    !is_said_once && PeerSettings::default().apply(setting.id, setting.value, role).is_ok()
}

/// The first SETTINGS of a connection: what differs from the defaults, and what is worth saying anyway.
pub(crate) fn first(config: &Config, role: Role) -> (Vec<Setting>, LocalChange) {
    let mut list = Vec::with_capacity(8);
    let mut add = |id, value| list.push(Setting { id, value });
    if config.header_table_size != 4096 {
        add(SettingId::HEADER_TABLE_SIZE, config.header_table_size);
    }
    match role {
        Role::Client if config.max_reserved_remote == 0 => add(SettingId::ENABLE_PUSH, 0),
        Role::Client => {
            add(SettingId::ENABLE_PUSH, 1);
            add(SettingId::MAX_CONCURRENT_STREAMS, config.max_concurrent_streams);
        }
        Role::Server => add(SettingId::MAX_CONCURRENT_STREAMS, config.max_concurrent_streams),
    }
    add(SettingId::INITIAL_WINDOW_SIZE, config.stream_window);
    if config.max_frame_size != 16_384 {
        add(SettingId::MAX_FRAME_SIZE, config.max_frame_size);
    }
    add(SettingId::MAX_HEADER_LIST_SIZE, config.max_header_list_size);
    if role == Role::Server && config.enable_connect_protocol {
        add(SettingId::ENABLE_CONNECT_PROTOCOL, 1);
    }
    add(SettingId::NO_RFC7540_PRIORITIES, 1);
    let change = LocalChange {
        header_table_size: Some(config.header_table_size),
        initial_window_size: Some(config.stream_window),
        max_frame_size: Some(config.max_frame_size),
        enable_push: (role == Role::Client).then_some(config.max_reserved_remote > 0),
    };
    (list, change)
}
