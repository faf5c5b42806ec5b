//! The queue's promises: order, the fill's meaning, loss only after the time allowed.

use super::*;
use crate::batch::Head;

fn batch(pool: &Pool, texts: &[&str]) -> Box<Batch> {
    let mut batch = pool.take();
    for text in texts {
        let head = Head { off: 0, len: 0, peer: 0, flags: 0, received_ns: 0, input: 0, repeated: 0 };
        batch.push(text.as_bytes(), head);
    }
    batch
}

fn queue(size: usize, timeout_enqueue: Duration) -> Queue {
    // So small that what is enqueued together is taken apart.
    let limits = Limits { size, timeout_enqueue, batch: 2, ..Limits::main_default() };
    Queue::new("test", limits, Arc::new(Pool::new(4)), &Stats::default())
}

#[test]
fn batches_come_out_in_order_and_count_until_done() {
    let queue = queue(10, Duration::ZERO);
    assert_eq!(queue.enqueue(batch(&queue.pool, &["a", "b"]), Delay::None), 0);
    assert_eq!(queue.enqueue(batch(&queue.pool, &["c", "d", "e"]), Delay::None), 0);
    assert_eq!(queue.fill(), 5);
    let Taken::Batch(first) = queue.take(ONE_SECOND) else { panic!("a batch is there") };
    assert_eq!(first.raw(&first.heads[1]), b"b");
    assert_eq!(queue.fill(), 5);
    queue.done(first);
    assert_eq!(queue.fill(), 3);
    for want in [&[&b"c"[..], b"d"][..], &[b"e"]] {
        let Taken::Batch(next) = queue.take(ONE_SECOND) else { panic!("a batch is there") };
        assert_eq!(next.heads.iter().map(|head| next.raw(head)).collect::<Vec<_>>(), want);
        queue.done(next);
    }
    assert!(queue.drain(Duration::ZERO));
    queue.stop();
    assert!(matches!(queue.take(Duration::from_millis(1)), Taken::Stopped));
}

#[test]
fn a_full_queue_loses_only_after_the_time_allowed_and_counts_it() {
    let queue = queue(2, Duration::from_millis(5));
    assert_eq!(queue.enqueue(batch(&queue.pool, &["a", "b"]), Delay::None), 0);
    assert_eq!(queue.enqueue(batch(&queue.pool, &["c"]), Delay::None), 1);
    assert_eq!(queue.enqueue(batch(&queue.pool, &["d"]), Delay::Never), 1);
    assert_eq!(queue.counts.discarded_full.load(Ordering::Relaxed), 2);
    assert_eq!(queue.fill(), 2);
}

#[test]
fn a_waiting_sender_goes_on_when_a_worker_is_done() {
    let queue = queue(1, Duration::from_secs(60));
    assert_eq!(queue.enqueue(batch(&queue.pool, &["a"]), Delay::None), 0);
    std::thread::scope(|s| {
        let sender = s.spawn(|| queue.enqueue(batch(&queue.pool, &["b"]), Delay::Full));
        let Taken::Batch(first) = queue.take(ONE_SECOND) else { panic!("a batch is there") };
        queue.done(first);
        assert_eq!(sender.join().expect("no panic"), 0);
    });
    assert_eq!(queue.fill(), 1);
}

#[test]
fn a_throttled_sender_waits_for_workers_that_get_on_and_no_longer() {
    let limits = Limits { batch: 1, ..Limits::main_default() };
    let queue = Queue::new("pace", limits, Arc::new(Pool::new(4)), &Stats::default());
    for _ in 0..AHEAD {
        queue.enqueue(batch(&queue.pool, &["early"]), Delay::Light);
    }
    // Nobody works: the sender is let in after a moment.
    assert_eq!(queue.enqueue(batch(&queue.pool, &["late"]), Delay::Light), 0);
    assert_eq!(queue.fill(), AHEAD + 1);
    // A worker gets on: the sender is let in as soon as the worker is not too far behind.
    std::thread::scope(|s| {
        let sender = s.spawn(|| queue.enqueue(batch(&queue.pool, &["paced"]), Delay::Full));
        for _ in 0..=AHEAD {
            let Taken::Batch(taken) = queue.take(ONE_SECOND) else { panic!("a batch is there") };
            queue.done(taken);
        }
        assert_eq!(sender.join().expect("no panic"), 0);
    });
    assert!(queue.fill() <= 1);
}

#[test]
fn less_important_messages_are_dropped_from_the_discard_mark_on() {
    let limits = Limits { discard_mark: 2, discard_severity: 6, ..Limits::main_default() };
    let queue = Queue::new("discarding", limits, Arc::new(Pool::new(4)), &Stats::default());
    // Severities 7, 6, then 7 (dropped), 3, none said (5), 6 (dropped).
    queue.enqueue(batch(&queue.pool, &["<15>a", "<14>b", "<15>c", "<11>d", "e", "<14>f"]), Delay::None);
    let Taken::Batch(taken) = queue.take(Duration::ZERO) else { panic!("nothing came") };
    let texts: Vec<&[u8]> = taken.heads.iter().map(|head| taken.raw(head)).collect();
    assert_eq!(texts, [&b"<15>a"[..], b"<14>b", b"<11>d", b"e"]);
    assert_eq!(queue.counts.discarded_nf.load(Ordering::Relaxed), 2);
    assert_eq!(queue.fill(), 4);
}

#[test]
fn sampling_keeps_every_nth_message_over_all_batches() {
    let limits = Limits { sampling: 3, ..Limits::main_default() };
    let queue = Queue::new("sampling", limits, Arc::new(Pool::new(4)), &Stats::default());
    queue.enqueue(batch(&queue.pool, &["1", "2", "3", "4"]), Delay::None);
    queue.enqueue(batch(&queue.pool, &["5", "6", "7"]), Delay::None);
    assert_eq!(queue.fill(), 2);
}

#[test]
fn a_window_may_go_over_midnight() {
    let night = Window { begin: 22, end: 5 };
    let day = Window { begin: 8, end: 18 };
    let hours = |window: Window| (0..24).filter(|hour| window.holds(*hour)).collect::<Vec<_>>();
    assert_eq!(hours(night), [0, 1, 2, 3, 4, 22, 23]);
    assert_eq!(hours(day), (8..18).collect::<Vec<_>>());
}

#[test]
fn a_pause_ends_with_the_queue() {
    let queue = queue(10, Duration::ZERO);
    assert!(!queue.pause(Duration::from_millis(1)));
    queue.stop();
    assert!(queue.pause(Duration::from_secs(600)));
}

#[test]
fn a_queue_never_holds_more_than_its_size_and_each_message_waits_for_itself() {
    let queue = queue(3, Duration::from_millis(20));
    let before = Instant::now();
    assert_eq!(queue.enqueue(batch(&queue.pool, &["a", "b", "c", "d", "e"]), Delay::None), 2);
    assert!(before.elapsed() >= Duration::from_millis(40));
    assert_eq!(queue.fill(), 3);
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let Counts { enqueued, full, discarded_full, max_size, .. } = &queue.counts;
    assert_eq!([enqueued, full, discarded_full, max_size].map(|c| count(c)), [5, 2, 2, 3]);
}

#[test]
fn what_came_in_small_pieces_is_taken_as_one_batch_up_to_its_size() {
    let limits = Limits { batch: 3, ..Limits::main_default() };
    let queue = Queue::new("gather", limits, Arc::new(Pool::new(4)), &Stats::default());
    for text in ["a", "b", "c", "d"] {
        queue.enqueue(batch(&queue.pool, &[text]), Delay::None);
    }
    for want in [3, 1] {
        let Taken::Batch(taken) = queue.take(Duration::ZERO) else { panic!("a batch is there") };
        assert_eq!(taken.len(), want);
        queue.done(taken);
    }
}

#[test]
fn a_worker_waits_for_the_least_number_of_messages_or_until_the_time_is_over() {
    let limits =
        Limits { min_batch: 2, min_batch_timeout: Duration::from_millis(60), ..Limits::main_default() };
    let queue = Queue::new("least", limits, Arc::new(Pool::new(4)), &Stats::default());
    queue.enqueue(batch(&queue.pool, &["a"]), Delay::None);
    let before = Instant::now();
    let Taken::Batch(one) = queue.take(ONE_SECOND) else { panic!("a batch is there") };
    assert!(before.elapsed() >= Duration::from_millis(60) && one.len() == 1);
    queue.enqueue(batch(&queue.pool, &["b", "c"]), Delay::None);
    let before = Instant::now();
    let Taken::Batch(two) = queue.take(ONE_SECOND) else { panic!("a batch is there") };
    assert!(before.elapsed() < Duration::from_millis(60) && two.len() == 2);
}

#[test]
fn a_mark_holds_back_exactly_there_until_it_is_released() {
    let limits = Limits { full_delay_mark: 2, batch: 8, ..Limits::main_default() };
    let queue = Queue::new("marked", limits, Arc::new(Pool::new(4)), &Stats::default());
    std::thread::scope(|s| {
        let sender = s.spawn(|| queue.enqueue(batch(&queue.pool, &["a", "b", "c", "d"]), Delay::Full));
        while queue.fill() < 2 {
            std::thread::yield_now();
        }
        assert!(!queue.room.wait(Duration::from_millis(30), || queue.fill() > 2));
        queue.release();
        assert_eq!(sender.join().expect("no panic"), 0);
    });
    assert_eq!(queue.fill(), 4);
}

#[test]
fn the_time_to_wait_for_room_can_be_ordered_later() {
    let times = Times::default();
    let queue = queue(1, Duration::from_secs(600)).ordered(times.clone());
    queue.enqueue(batch(&queue.pool, &["a"]), Delay::None);
    times.enqueue.set("10").expect("a time");
    assert_eq!(queue.enqueue(batch(&queue.pool, &["b"]), Delay::None), 1);
    times.shutdown.set("7").expect("a time");
    assert_eq!(queue.timeout_shutdown(), Duration::from_millis(7));
}

#[test]
fn a_queue_that_gives_up_hands_nothing_more_out() {
    let queue = queue(10, Duration::ZERO);
    queue.enqueue(batch(&queue.pool, &["a", "b", "c"]), Delay::None);
    let Taken::Batch(at_work) = queue.take(Duration::ZERO) else { panic!("a batch is there") };
    queue.give_up();
    assert!(!queue.rest(Duration::from_millis(5)));
    queue.done(at_work);
    assert!(!queue.rest(ONE_SECOND));
    assert!(matches!(queue.take(ONE_SECOND), Taken::Stopped));
    assert_eq!(queue.fill(), 1);
}

#[test]
fn a_widened_queue_holds_as_much_again_and_lets_in_who_waited() {
    let times = Duration::from_secs(60);
    let limits =
        Limits { size: 2, doubles: true, timeout_enqueue: times, batch: 1, ..Limits::main_default() };
    let queue = Queue::new("test", limits, Arc::new(Pool::new(4)), &Stats::default());
    assert_eq!(queue.enqueue(batch(&queue.pool, &["a", "b"]), Delay::None), 0);
    std::thread::scope(|s| {
        let sender = s.spawn(|| queue.enqueue(batch(&queue.pool, &["c", "d"]), Delay::None));
        while queue.counts.full.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        queue.widen();
        assert_eq!(sender.join().expect("no panic"), 0);
    });
    assert_eq!(queue.fill(), 4);
    assert_eq!(queue.enqueue(batch(&queue.pool, &["e"]), Delay::Never), 1);
}
