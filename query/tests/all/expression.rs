//! Expressions: three-valued logic, laziness, depth, folding, printing.

use query::expression::{Constant, Context, Expression, Node};
use query::function::{self, Function};
use query::{Arena, Datum, Result, Scalar, Type};

use crate::session::Fixed;

fn int(n: i64) -> Expression {
    Expression::constant(Constant::int(n), Type::INT4)
}

fn truth(value: Option<bool>) -> Expression {
    match value {
        Some(value) => Expression::constant(Constant::bool(value), Type::BOOL),
        None => Expression::null(Type::BOOL),
    }
}

fn operator(name: &str, left: Type, right: Type) -> &'static Function {
    function::operator(name, &[left, right]).expect("an operator")
}

fn binary(name: &str, left: Expression, right: Expression) -> Expression {
    let function = operator(name, left.ty, right.ty);
    let ty = function.result;
    Expression::new(Node::Call { function, arguments: vec![left, right] }, ty)
}

/// 1 / 0, which must not be reached.
fn failing() -> Expression {
    binary("=", binary("/", int(1), int(0)), int(1))
}

fn eval(expression: &Expression) -> Result<Option<bool>> {
    let (session, arena) = (Fixed::utc(), Arena::new());
    let context = Context { parameters: &[], session: &session };
    match expression.eval(&context, &[], &arena)? {
        Datum::Bool(value) => Ok(Some(value)),
        datum => {
            assert!(datum.is_null(), "{datum:?}");
            Ok(None)
        }
    }
}

const ALL: [Option<bool>; 3] = [Some(true), Some(false), None];

#[test]
fn and_or_and_not_are_three_valued() {
    for a in ALL {
        for b in ALL {
            let and = match (a, b) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
            let or = match (a, b) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            };
            let pair = vec![truth(a), truth(b)];
            let of = |node| eval(&Expression::new(node, Type::BOOL)).expect("a truth value");
            assert_eq!(of(Node::And(pair.clone())), and, "{a:?} AND {b:?}");
            assert_eq!(of(Node::Or(pair)), or, "{a:?} OR {b:?}");
        }
        let not = Expression::new(Node::Not(Box::new(truth(a))), Type::BOOL);
        assert_eq!(eval(&not).expect("a truth value"), a.map(|a| !a));
    }
}

#[test]
fn what_is_decided_is_not_evaluated_further() {
    let lazy = [
        Node::And(vec![truth(Some(false)), failing()]),
        Node::Or(vec![truth(Some(true)), failing()]),
        Node::Coalesce(vec![truth(Some(true)), failing()]),
        Node::Case {
            branches: vec![(truth(Some(true)), truth(Some(true))), (failing(), failing())],
            otherwise: Some(Box::new(failing())),
        },
    ];
    for node in lazy {
        eval(&Expression::new(node, Type::BOOL)).expect("lazily decided");
    }
    let eager = Expression::new(Node::And(vec![truth(None), failing()]), Type::BOOL);
    assert_eq!(eval(&eager).expect_err("evaluated").sqlstate, "22012");
    let strict = binary("=", Expression::null(Type::INT4), binary("/", int(1), int(0)));
    assert_eq!(eval(&strict).expect_err("evaluated").sqlstate, "22012");
}

#[test]
fn lists_know_null() {
    let equal = operator("=", Type::INT4, Type::INT4);
    let null = || Expression::null(Type::INT4);
    let cases = [
        (int(1), vec![int(1), null()], Some(true)),
        (int(3), vec![int(1), null()], None),
        (int(3), vec![int(1), int(2)], Some(false)),
        (null(), vec![int(1)], None),
        (null(), vec![], Some(false)),
    ];
    for (left, list, wanted) in cases {
        let left = Box::new(left);
        let array = Expression::new(Node::Array(list.clone()), Type::array_of(Scalar::Int4));
        let any = Node::AnyAll {
            operator: equal,
            all: false,
            left: left.clone(),
            array: Box::new(array),
        };
        assert_eq!(eval(&Expression::new(any, Type::BOOL)).expect("ANY"), wanted);
        for negated in [false, true] {
            let list = list.clone();
            let node = Node::InList { equal, left: left.clone(), list, negated };
            let wanted = wanted.map(|found| found != negated);
            assert_eq!(eval(&Expression::new(node, Type::BOOL)).expect("IN"), wanted);
        }
    }
}

#[test]
fn distinct_from_is_never_null() {
    let equal = operator("=", Type::INT4, Type::INT4);
    let null = || Expression::null(Type::INT4);
    for (a, b, distinct) in [
        (null(), null(), false),
        (int(1), null(), true),
        (int(1), int(1), false),
        (int(1), int(2), true),
    ] {
        let node = Node::IsDistinct { equal, sides: Box::new((a, b)), negated: false };
        assert_eq!(eval(&Expression::new(node, Type::BOOL)).expect("a boolean"), Some(distinct));
    }
}

#[test]
fn a_thousand_levels_fit_a_small_stack() {
    let deep = || {
        let mut expression = int(0);
        for _ in 0..1000 {
            expression = binary("+", expression, int(1));
        }
        let session = Fixed::utc();
        let arena = Arena::new();
        let context = Context { parameters: &[], session: &session };
        let value = expression.eval(&context, &[], &arena).expect("a sum");
        assert!(matches!(value, Datum::Int(1000)), "{value:?}");
        let folded = expression.fold(&context);
        assert!(matches!(folded.as_constant().map(Constant::as_datum), Some(Datum::Int(1000))));
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(deep).expect("a thread");
    thread.join().expect("the stack to suffice");
}

#[test]
fn folding_leaves_errors_and_what_varies() {
    let session = Fixed::utc();
    let context = Context { parameters: &[], session: &session };
    let column = Expression::column(0, Type::INT4, -1);
    let mixed = binary("+", column, binary("*", int(2), int(3))).fold(&context);
    let names = |at: u32| format!("c{at}");
    assert_eq!(mixed.print(&session, &names), "(c0 + 6)");
    assert!(!mixed.is_constant());
    assert_eq!(mixed.columns(), [0]);
    let error = failing().fold(&context);
    assert_eq!(error.print(&session, &names), "((1 / 0) = 1)");
    let decided = Expression::new(Node::And(vec![truth(Some(false)), mixed]), Type::BOOL);
    assert_eq!(decided.fold(&context).print(&session, &names), "false");
}

#[test]
fn constants_outlive_their_arena() {
    let constant = {
        let arena = Arena::new();
        let inner = arena.row(&[Datum::Text(arena.text("x")), Datum::Null]);
        let record = arena.row(&[Datum::Int(1), Datum::Record(inner)]);
        Constant::new(&Datum::Record(record)).expect("a constant")
    };
    let session = Fixed::utc();
    let text = query::cast::output_string(&session, Type::RECORD, -1, &constant.clone().as_datum());
    assert_eq!(text.expect("text"), "(1,\"(x,)\")");
}
