import Arguments
import Foundation
import Testing

/// Sends a signal to the whole process, since the threads that tests run on take none.
private func send(_ number: Int32) { kill(getpid(), number) }

/// Waits for a condition for as long as ten seconds; returns whether it came true.
private func comesTrue(_ condition: () -> Bool) -> Bool {
  for _ in 0..<10_000 where !condition() { usleep(1000) }
  return condition()
}

@Suite("Interrupts")
struct InterruptTests {
  @Test("The first signal is noted and the work goes on")
  func first() async {
    await #expect(processExitsWith: .success) {
      Interrupt.install()
      precondition(!Interrupt.isRequested)
      send(SIGINT)
      precondition(comesTrue { Interrupt.isRequested })
    }
    await #expect(processExitsWith: .success) {
      Interrupt.install()
      send(SIGTERM)
      precondition(comesTrue { Interrupt.isRequested })
    }
  }

  @Test("A terminal that is gone is a wish to stop, but not to what was started by nohup")
  func hangUp() async {
    await #expect(processExitsWith: .success) {
      signal(SIGHUP, SIG_DFL)
      Interrupt.install()
      send(SIGHUP)
      precondition(comesTrue { Interrupt.isRequested })
    }
    await #expect(processExitsWith: .success) {
      signal(SIGHUP, SIG_IGN)
      Interrupt.install()
      send(SIGHUP)
      usleep(50_000)
      precondition(!Interrupt.isRequested)
      send(SIGTERM)
      precondition(comesTrue { Interrupt.isRequested })
    }
  }

  @Test("A wish that has come stays, whoever asks for the signals again")
  func wishStays() async {
    await #expect(processExitsWith: .success) {
      Interrupt.install()
      send(SIGTERM)
      precondition(comesTrue { Interrupt.isRequested })
      Interrupt.install()
      precondition(Interrupt.isRequested)
    }
  }

  @Test("The second signal ends the process, whichever it is")
  func second() async {
    await #expect(processExitsWith: .signal(SIGINT)) {
      Interrupt.install()
      send(SIGINT)
      precondition(comesTrue { Interrupt.isRequested })
      usleep(600_000)
      send(SIGINT)
      _ = comesTrue { false }
    }
    await #expect(processExitsWith: .signal(SIGTERM)) {
      Interrupt.install()
      send(SIGINT)
      precondition(comesTrue { Interrupt.isRequested })
      usleep(600_000)
      send(SIGTERM)
      _ = comesTrue { false }
    }
  }

  @Test("Two signals at once are one wish")
  func once() async {
    await #expect(processExitsWith: .success) {
      Interrupt.install()
      send(SIGINT)
      precondition(comesTrue { Interrupt.isRequested })
      send(SIGINT)
      send(SIGTERM)
      usleep(200_000)
    }
  }
}
